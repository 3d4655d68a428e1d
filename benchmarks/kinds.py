"""Whether planted nodes are called what they are, and how many components clusters of known shape get.

OMP_WAIT_POLICY=passive python benchmarks/kinds.py [--mixtures 250] [--out kinds-results]

Nodes are planted on Gaussian mixtures of any shape, of seeds that no rule was fixed on; then on two Gaussians of one
width at each separation and number of samples; then shapes are fitted at several numbers of rows. Labels by
the means of classes are counted apart, on classes of one component and of several. What is done is in
OUT and is not done again. The last line is one JSON object: the share of nodes called right among those called
anything, the agreement (Cohen's kappa) of labels from two sets of samples, and whether the share of nodes called grows
with separation and samples.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from planting.kinds import FRESH, LABELS, class_rows, grid_rows, kappa, node_rows, right_share
from scipy.stats import fisher_exact

from interp.analysis import fit_gaussians

SEPARATIONS, SAMPLES = (2.0, 3.0, 4.0, 6.0, 10.0), (200, 1000, 4000, 16_000)
REPEATS = 10
ROWS = (500, 2000, 10_000, 60_000)
LEVEL = 0.05
"""Chance that sampling alone makes any claimed share of the grid fall clearly to the next cell."""

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def apart(sigma: float) -> Draw:
    """Draw two Gaussians of one width and weight, some sigma apart."""
    return lambda rng, shape: rng.normal(size=shape) + sigma * (rng.random(shape) < 0.5)


SHAPES: dict[str, Draw] = {
    "Gaussian": lambda rng, shape: rng.normal(size=shape),
    "Student's t, 5 degrees": lambda rng, shape: rng.standard_t(5, shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "gamma of shape 2": lambda rng, shape: rng.gamma(2, 1, shape),
    "exponential": lambda rng, shape: rng.exponential(1, shape),
    **{f"two Gaussians at {sigma:g} sigma": apart(sigma) for sigma in (2.0, 3.0, 4.0)},
}
"""Name of a shape -> draws of it."""


def kept(file: Path, seeds: Sequence[int], make: Callable[[int], pd.DataFrame]) -> pd.DataFrame:
    """Give the rows of some seeds; those that are not in the file yet are made and put there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    known = pd.read_csv(file, keep_default_na=False) if file.exists() else pd.DataFrame({"seed": []})
    for seed in seeds:
        if seed not in set(known["seed"]):
            rows = make(seed)
            rows.to_csv(file, mode="a", header=not file.exists(), index=False)
            known = pd.concat([known, rows])
    return known[known["seed"].isin(seeds)]


def cell(number: int) -> pd.DataFrame:
    """Make one cell of the grid once."""
    place, repeat = divmod(number, REPEATS)
    separation, samples = SEPARATIONS[place // len(SAMPLES)], SAMPLES[place % len(SAMPLES)]
    return grid_rows(separation, samples, FRESH + repeat).assign(seed=number)


def components(number: int) -> pd.DataFrame:
    """Fit one shape at one number of rows, 24 nodes."""
    name, rows = list(SHAPES)[number // len(ROWS)], ROWS[number % len(ROWS)]
    found = fit_gaussians(SHAPES[name](np.random.default_rng(number), (rows, 24)))
    counted = {"merged": found.components.mean(), "BIC alone": found.bic.argmin(axis=1).mean() + 1}
    return pd.DataFrame([{"seed": number, "shape": name, "rows": rows, **counted}])


def grows(cells: pd.DataFrame) -> bool:
    """Whether no share called falls clearly from one cell to the next with more separation or samples.

    Parameters
    ----------
    cells
        Number of nodes called, and of nodes, by separation and samples: columns ``sum`` and ``size``.

    Neighbours are compared by Fisher's exact test to one side, corrected for their number (Bonferroni): where none
    falls, a fall is found in `LEVEL` of such grids at most.
    """
    p = [
        fisher_exact([before, after], alternative="greater").pvalue
        for level in ("separation", "samples")
        for _, line in cells.groupby(level=level)
        for before, after in pairwise(zip(line["sum"], line["size"] - line["sum"], strict=True))
    ]
    return min(p) > LEVEL / len(p)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixtures", type=int, default=250)
    parser.add_argument("--out", type=Path, default=Path("kinds-results"))
    options = parser.parse_args()
    rows = kept(options.out / "mixtures.csv", range(FRESH, FRESH + options.mixtures), node_rows)
    to_tell = rows[rows["truth"].isin(LABELS)]
    is_called = to_tell["kind"].isin(LABELS)
    print(f"{len(rows)} nodes on mixtures; called and right, of those with classes and without:")
    right = (to_tell["kind"] == to_tell["truth"]).where(is_called)
    print(right.groupby([to_tell["labelled"], to_tell["truth"]]).agg(["count", "mean", "size"]).to_string())
    of_class = kept(options.out / "classes.csv", range(FRESH, FRESH + 4 * options.mixtures), class_rows)
    of_class = of_class[of_class["kind"].isin(["undecided", *LABELS])]
    class_right = right_share(of_class)
    is_said = of_class["kind"] != "undecided"
    print(
        f"by the means of classes alone: {is_said.sum()} of {len(of_class)} called, {class_right} right; share called"
    )
    print(is_said.groupby([of_class["separation"], of_class["samples"]]).mean().unstack().round(2).to_string())
    both = to_tell[is_called & to_tell["again"].isin(LABELS)]
    agreement = round(kappa(both["kind"], both["again"]), 4)
    print(f"kappa of labels from two sets of samples: {agreement} over {len(both)} nodes called twice")
    grid = kept(options.out / "grid.csv", range(len(SEPARATIONS) * len(SAMPLES) * REPEATS), cell)
    cells = grid["kind"].isin(LABELS).groupby([grid["separation"], grid["samples"]]).agg(["sum", "size"])
    print("share of nodes called, two Gaussians, by separation and samples:")
    print((cells["sum"] / cells["size"]).unstack().round(2).to_string())
    print(f"right of these: {right_share(grid)}")
    counts = kept(options.out / "components.csv", range(len(SHAPES) * len(ROWS)), components)
    print("mean number of components by rows, merged and by BIC alone:")
    print(counts.pivot(index="shape", columns="rows", values=["merged", "BIC alone"]).round(2).to_string())
    found = {"kinds_right": right_share(pd.concat([rows, grid])), "by_class_right": class_right, "kappa": agreement}
    print(json.dumps(found | {"monotone": grows(cells), "nodes": len(rows) + len(grid)}))
    return int(min(found["kinds_right"] or 0, class_right or 0) < 0.99 or agreement < 0.8 or not grows(cells))


if __name__ == "__main__":
    raise SystemExit(main())

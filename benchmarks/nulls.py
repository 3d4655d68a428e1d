"""How often chance is called coherence: false alarms at every initialisation, and p-values on each null's own layers.

OMP_WAIT_POLICY=passive python benchmarks/nulls.py [--networks 200] [--out nulls-results]

Layers without anything learned read data of known clusters: Gaussian mixtures of any shape and digits, as they are and
centred. Each is compared with its nulls, and called as the page does. What is done is in OUT and is not done again. The
last line is one JSON object: the largest share of layers that are called more than chance, over initialisations.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from planting.initialised import INITIALISATIONS, seed_rows
from scipy import stats

from zoo.finished import add_finished, read_finished

LEVELS = (0.01, 0.05, 0.10)
MOST_FALSE = 0.025

OWN = {
    "random-point": "random point",
    "permuted-bias": "permuted bias",
    "random-direction": "random direction",
    "default": "fresh initialisation",
    "zero-bias": "fresh without bias",
    "batch-norm": "fresh batch norm",
}
"""Initialisation -> the null that makes layers in the same way, whose p-values are therefore those of pure chance."""


def rows_of(networks: int, file: Path) -> pd.DataFrame:
    """Give the results of all layers; those of seeds that are not in the file yet are made and put there."""
    known = {one["seed"]: one["rows"] for one in read_finished(file)}
    for seed in range(networks):
        if seed not in known:
            known[seed] = seed_rows(seed)
            add_finished(file, {"seed": seed, "rows": known[seed]})
    return pd.DataFrame([row for seed in range(networks) for row in known[seed]])


def interval(hits: int, count: int) -> str:
    """Give a share with its exact 95 % interval (Clopper and Pearson 1934)."""
    found = stats.binomtest(hits, count).proportion_ci()
    return f"{hits / count:6.1%} ({found.low:.1%} to {found.high:.1%})"


def rates(p_values: pd.Series, rng: np.random.Generator, ties: pd.Series) -> str:
    """Give rejection rates, and those of p-values made continuous by a random part of the share found itself."""
    continuous = p_values - rng.random(len(ties)) * ties
    parts = (f"{np.mean(p_values <= level):.3f} ({np.mean(continuous <= level):.3f})" for level in LEVELS)
    return "  ".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("nulls-results"))
    options = parser.parse_args()
    every = rows_of(options.networks, options.out / "layers.jsonl")
    tables = {kind: every[every["initialisation"] == kind] for kind in INITIALISATIONS}
    worst, rng = 0.0, np.random.default_rng(0)
    print("called more, and fewer, than chance; mean share at cluster means")
    for kind, rows in tables.items():
        by_layer = rows.groupby("seed")[["more", "fewer"]].any()
        more, fewer = (int(by_layer[word].sum()) for word in ("more", "fewer"))
        share = rows.groupby("sort")["share"].mean().round(2).to_dict()
        worst = max(worst, more / len(by_layer))
        print(f"  {kind:18} {interval(more, len(by_layer))}   {interval(fewer, len(by_layer))}   {share}")
    print(f"rejection rates at {LEVELS} of a null on its own layers, in brackets with ties broken at random")
    for kind, null in OWN.items():
        for sort, rows in tables[kind].groupby("sort"):
            found = pd.DataFrame(list(rows["p"].map(lambda p, null=null: p.get(null, [np.nan, 0.0])))).dropna()
            if len(found):
                print(f"  {null:20} {sort:8} {rates(found[0], rng, found[1])}   {len(found)} layers")
    print(json.dumps({"false_more": round(worst, 4), "networks": options.networks, "kinds": len(tables)}))
    return int(worst > MOST_FALSE)


if __name__ == "__main__":
    raise SystemExit(main())

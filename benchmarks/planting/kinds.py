"""Single nodes whose boundary lies where we put it: what they are called, and whether that is right."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch

from interp.analysis import GaussianOptions, classify_boundaries, fit_gaussians
from interp.types import Thresholds
from zoo.planted.data.mixtures import Mixture, MixtureSetup, draw_mixture
from zoo.planted.nodes import layer_of, plant_node

TUNING, FRESH = 0, 100_000
"""First of the seeds that the rule was fixed on, and of those that it is measured on."""

EACH = ("at-mean", "displaced", "displaced", "midway", "at-mean", "displaced", "dead", "one-sided")
"""Nodes of one mixture."""

LABELS = ("coherent", "adhoc")


def node_rows(seed: int) -> pd.DataFrame:
    """Draw a mixture of any shape with a number of samples, plant nodes, and call them, one row a node.

    Every second mixture comes without the classes of its samples.
    """
    setup, samples = drawn(seed)
    rows = called(draw_mixture(setup, torch.Generator().manual_seed(seed)), samples, seed % 2 == 0, seed)
    shape = {"dimension": setup.dimension, "classes": setup.classes, "separation": setup.separation}
    return rows.assign(seed=seed, **shape)


def drawn(seed: int) -> tuple[MixtureSetup, int]:
    """Draw a mixture's shape, and a number of samples."""
    rng = np.random.default_rng(seed)
    dimension = int(rng.choice([1, 2, 4, 16]))
    setup = MixtureSetup(
        dimension=dimension,
        classes=int(rng.choice([2, 3, 6] if dimension > 1 else [2, 3])),
        separation=float(rng.choice([1, 2, 3, 4, 6, 10, 20])),
        imbalance=float(rng.choice([1, 1, 4])),
        covariance=str(rng.choice(["spherical", "own"])),
    )
    return setup, int(rng.choice([300, 1000, 4000, 16_000]))


@torch.no_grad()
def class_rows(seed: int) -> pd.DataFrame:
    """Call nodes planted on such a mixture by the means of classes alone, of which every second seed joins some.

    A class of several components has a mean that is no cluster's; the truth is its distance from the boundary all the
    same. No mixture is fitted, for none is needed.
    """
    setup, samples = drawn(seed)
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng([seed, 2])
    mixture = draw_mixture(setup, generator)
    of = torch.arange(setup.classes) // (1 + seed % 2)
    nodes = [plant_node(kind, mixture, generator, float(rng.uniform(-2, 2))) for kind in EACH]
    x, y = mixture.draw(samples, generator)
    layer = layer_of(nodes)
    z = layer(x).double().numpy()
    fit = fit_gaussians(z, of[y].numpy(), GaussianOptions(components=1, bins=16, crossed=False))
    found = classify_boundaries(fit, dead=z.max(axis=0) <= 0).by_class
    means, spreads = (part.numpy() for part in mixture.along(layer.weight))
    nearest = class_distance(means + layer.bias.numpy()[:, None], spreads, mixture.shares.numpy(), of.numpy())
    truth = np.where(nearest <= Thresholds().epsilon, "coherent", "adhoc")
    told = [] if found is None or found.kind is None else found.kind.tolist()
    rows = pd.DataFrame({"kind": told or ["undecided"] * len(nodes), "truth": truth, "samples": samples})
    return rows.assign(seed=seed, joined=bool(seed % 2), separation=setup.separation)


def class_distance(means: np.ndarray, spreads: np.ndarray, shares: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Give the distance from z = 0 to the nearest class's mean, in its standard deviations, of K components each (N,).

    Examples
    --------
    >>> class_distance(np.array([[1.0, 3.0]]), np.ones((1, 2)), np.array([0.5, 0.5]), np.array([0, 0])).round(3)
    array([1.414])
    """
    gaps = []
    for one in np.unique(of):
        mine, share = of == one, shares[of == one] / shares[of == one].sum()
        middle = means[:, mine] @ share
        spread = (spreads[:, mine] ** 2 + (means[:, mine] - middle[:, None]) ** 2) @ share
        gaps.append(np.abs(middle) / np.sqrt(spread))
    return np.min(gaps, axis=0)


def called(mixture: Mixture, samples: int, labelled: bool, seed: int) -> pd.DataFrame:
    """Plant nodes on a mixture and call them from some samples, and from as many others."""
    rng, generator = np.random.default_rng([seed, 1]), torch.Generator().manual_seed(seed + 1)
    nodes = [plant_node(kind, mixture, generator, float(rng.uniform(-2, 2))) for kind in EACH]
    first, again = (kinds_of(mixture, layer_of(nodes), samples, labelled, generator) for _ in range(2))
    truth = [node.truth(Thresholds()) for node in nodes]
    return pd.DataFrame(
        {
            "node": EACH,
            "samples": samples,
            "labelled": labelled,
            "sigma": [node.sigma for node in nodes],
            "truth": truth,
            "kind": first,
            "again": again,
        }
    )


def grid_rows(separation: float, samples: int, seed: int) -> pd.DataFrame:
    """Plant nodes on two Gaussians of one width and weight along one input, and call them twice, without classes."""
    ends = torch.tensor([[-separation / 2], [separation / 2]])
    pair = Mixture(ends, torch.eye(1).expand(2, -1, -1), torch.full((2,), 0.5))
    rows = called(pair, samples, False, seed)
    told = rows[rows["truth"].isin(LABELS)]
    twice = [told.assign(kind=told[kind]) for kind in ("kind", "again")]  # two sets of samples, one of nodes
    return pd.concat(twice).assign(separation=separation)


@torch.no_grad()
def kinds_of(
    mixture: Mixture, layer: torch.nn.Linear, samples: int, labelled: bool, generator: torch.Generator
) -> list[str]:
    """Call the nodes of a layer with ReLU from fresh samples."""
    x, y = mixture.draw(samples, generator)
    z = layer(x).double().numpy()
    found = classify_boundaries(fit_gaussians(z, y.numpy() if labelled else None), dead=z.max(axis=0) <= 0)
    return [str(kind) for kind in found.kind]


def kinds_right(seeds: Iterable[int] = range(FRESH, FRESH + 60)) -> float | None:
    """Give the share of planted nodes that are called what they are, among those that are called anything."""
    return right_share(pd.concat([node_rows(seed) for seed in seeds]))


def right_share(rows: pd.DataFrame) -> float | None:
    """Give the share of right ones among the nodes that are not undecided; None where all are."""
    said = rows[rows["kind"] != "undecided"]
    return round(float((said["kind"] == said["truth"]).mean()), 4) if len(said) else None


def kappa(first: pd.Series, second: pd.Series) -> float:
    """Give Cohen's kappa of two sets of labels (Cohen 1960)."""
    table = pd.crosstab(first, second, normalize=True)
    same = sum(float(table.at[name, name]) for name in table.index if name in table.columns)
    chance = sum(float(table.loc[name].sum() * table[name].sum()) for name in table.index if name in table.columns)
    return (same - chance) / (1 - chance) if chance < 1 else 1.0

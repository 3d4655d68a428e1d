"""Clamp curves of single nodes: how much of the low, and of the high, end of its outputs the network needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from interp.interventions.edits import INTERVENTIONS, Ranges, on_nodes
from interp.interventions.engine.measure import measure
from interp.types import Array, LoadedModel, NodeLayer, Split

CLAMPS = ("clamp-min", "clamp-max")


def clamp_curves(
    model: LoadedModel,
    layer: NodeLayer,
    split: Split,
    ranges: Ranges,
    count: int = 101,
    nodes: Array | None = None,
) -> pd.DataFrame:
    """Clamp the output of every node from below and from above, one node at a time.

    Parameters
    ----------
    split
        Samples to score.
    ranges
        Of the layer's nodes; levels are fractions of each node's own.
    count
        Levels from 0 to 1.
    nodes
        (M,) the nodes to clamp; None: all.

    Returns
    -------
    DataFrame
        Rows of `Effects.curves`.
    """
    levels = np.linspace(0, 1, count)
    chosen = range(layer.nodes) if nodes is None else nodes.tolist()
    keys = [(node, kind, level) for node in chosen for kind in CLAMPS for level in levels]
    edits = [on_nodes(INTERVENTIONS[kind], level, ranges, (node,)) for node, kind, level in keys]
    found = measure(model, layer, edits, split, f"{layer.name}, clamps of single nodes")
    table = pd.DataFrame(keys, columns=["node", "intervention", "level"])
    table.insert(0, "layer", layer.name)
    return table.assign(samples=found.samples, score=found.score, loss=found.loss)


def node_levels(curves: pd.DataFrame) -> pd.DataFrame:
    """Read off each node's curves where the network changes its mind.

    Returns
    -------
    DataFrame
        Columns ``layer``, ``node``; ``equilibrium``: level where the two curves cross, below which the node
        matters as little as above; ``half_min``, ``half_max``: level at which the score has fallen to half;
        ``lowest``: least score on either curve. NaN where there is no such level.
    """
    rows = [
        {"layer": layer, "node": node, **_levels_of(part)}
        for (layer, node), part in curves.groupby(["layer", "node"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["layer", "node", "equilibrium", "half_min", "half_max", "lowest"])


def _levels_of(part: pd.DataFrame) -> dict[str, float]:
    low, high = (part[part["intervention"] == kind].sort_values("level") for kind in CLAMPS)
    level, rising, falling = (np.asarray(x, float) for x in (low["level"], high["score"], low["score"]))
    half = falling[0] / 2  # clamped at its least output from below, a node is as it was
    return {
        "equilibrium": crossing(level, falling - rising),
        "half_min": first_level(level, falling, lambda score: score <= half),
        "half_max": first_level(level[::-1], rising[::-1], lambda score: score <= half),
        "lowest": float(min(falling.min(), rising.min())),
    }


def crossing(level: Array, difference: Array) -> float:
    """Give the level where a difference that starts positive turns negative, by linear interpolation.

    Where it is 0 over a stretch in between, its middle. NaN if it never changes sign.

    Examples
    --------
    >>> crossing(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.0, -1.0]))
    0.5
    """
    above, below = np.flatnonzero(difference > 0), np.flatnonzero(difference < 0)
    if not len(above) or not len(below) or below[-1] < above[0]:
        return float("nan")
    after = below[below > above[0]][0]
    before = above[above < after][-1]
    if after > before + 1:
        return float((level[before + 1] + level[after - 1]) / 2)
    share = difference[before] / (difference[before] - difference[after])
    return float(level[before] + share * (level[after] - level[before]))


def first_level(level: Array, values: Array, reached: Callable[[Array], Array]) -> float:
    """Give the first level whose value satisfies a condition; NaN if none does."""
    found = np.flatnonzero(reached(values))
    return float(level[found[0]]) if len(found) else float("nan")

"""Clamp curves of single nodes: how much of the low, and of the high, end of its outputs the network needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interp.interventions.edits import INTERVENTIONS, Ranges, on_nodes
from interp.interventions.engine.measure import measure
from interp.types import Array, LoadedModel, NodeLayer, Split
from interp.types.annotations.frames import pd

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

    The two curves of a node tell how much of the low, and of the high, end of its outputs the network needs (learn-DM's
    clamps, a node at a time).

    Parameters
    ----------
    model
        Network of any task.
    layer
        Layer whose nodes are clamped.
    split
        Samples to score.
    ranges
        Output ranges of the layer's nodes; levels are fractions of each node's own.
    count
        Number of levels from 0 to 1.
    nodes
        Numbers of the nodes to clamp, (M,); None for all.

    Returns
    -------
    DataFrame
        Rows of `Effects.curves`.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> from interp.interventions import output_ranges
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> layer, test = model.layers[0], data.splits["test"]
    >>> ranges = output_ranges(model, layer, test.inputs)
    >>> curves = clamp_curves(model, layer, test, ranges, count=2, nodes=np.array([5]))
    >>> curves[["intervention", "level"]].values.tolist()
    [['clamp-min', 0.0], ['clamp-min', 1.0], ['clamp-max', 0.0], ['clamp-max', 1.0]]
    >>> float(curves["score"].iloc[0]) == float(curves["score"].iloc[-1])  # the no-op of either clamp
    True
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
    """Read off each node's curves the levels at which the network's score changes.

    Parameters
    ----------
    curves
        Rows of `clamp_curves`, of one layer or several.

    Returns
    -------
    DataFrame
        Columns of `Effects.node_levels` up to ``lowest``, a row a node; NaN where there is no such level.

    Examples
    --------
    >>> level, kinds = [0, 0.5, 1] * 2, ["clamp-min"] * 3 + ["clamp-max"] * 3
    >>> score = [1.0, 0.8, 0.2, 0.4, 0.8, 1.0]  # falls the higher the least output, rises with the largest one
    >>> curves = pd.DataFrame({"layer": "fc1", "node": 0, "intervention": kinds, "level": level, "score": score})
    >>> node_levels(curves).iloc[0].to_dict()
    {'layer': 'fc1', 'node': 0, 'equilibrium': 0.5, 'half_min': 1.0, 'half_max': 0.0, 'lowest': 0.2}
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

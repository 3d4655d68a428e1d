"""What changed from a network to its pruned, quantised or fine-tuned copy, layer by layer and node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from interp.comparison.activity import Activity
from interp.comparison.members import Member
from interp.run.recorded import affine_of
from interp.types import Array, NodeLayer

AKIN = 0.5
"""Least cosine of all weights of two networks that makes one a copy of the other: of two trainings it is near 0."""

FEW_VALUES = 256
"""Largest number of different weights of a node that eight bits can hold."""

MANY_VALUES = 2
"""Factor by which the original has more different weights than a copy that was rounded."""

Done = Literal["nothing", "pruned", "rounded", "pruned and rounded", "trained on"]


def compared_with_first(members: Sequence[Member]) -> list[tuple[Member, Member, int]]:
    """Give the first network, and each further one of its architecture, with its place."""
    first = members[0]
    shape = [(layer.name, layer.nodes, layer.inputs) for layer in first.run.model.layers]
    return [
        (first, other, place)
        for place, other in enumerate(members)
        if place and [(layer.name, layer.nodes, layer.inputs) for layer in other.run.model.layers] == shape
    ]


def change_tables(members: Sequence[Member], activity: Sequence[Activity]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give what changed from the first network to its copies.

    Parameters
    ----------
    members
        Networks of the comparison.
    activity
        Outputs of the nodes of each.

    Returns
    -------
    layers, nodes
        One row a copy and layer, and one a copy and node; empty where no network is a copy of the first.
    """
    layers: list[dict[str, object]] = []
    nodes: list[pd.DataFrame] = []
    for first, other, place in compared_with_first(members):
        weights = [_weights(first, other, layer) for layer in first.run.model.layers]
        known = [(layer, *pair) for layer, pair in zip(first.run.model.layers, weights, strict=True) if pair]
        if not known or akin([(a[0], b[0]) for _, a, b in known]) < AKIN:
            continue
        for layer, ours, theirs in known:
            layers.append({"network": other.name, "layer": layer.name, **layer_changes(ours, theirs)})
            table = node_changes(ours, theirs, activity[0][layer.name], activity[place][layer.name])
            named = table.assign(network=other.name, layer=layer.name, node=np.arange(layer.nodes))
            nodes.append(_with_kinds(named, first, other, layer))
    return pd.DataFrame(layers), pd.concat(nodes, ignore_index=True) if nodes else pd.DataFrame()


Affine = tuple[Array, Array]
"""Weights (N, D) and biases (N,)."""


def _weights(first: Member, other: Member, layer: NodeLayer) -> tuple[Affine, Affine] | None:
    ours, theirs = (affine_of(member.run, member.run.model.layer(layer.name)) for member in (first, other))
    return None if ours is None or theirs is None else (ours, theirs)


def akin(weights: Sequence[tuple[Array, Array]]) -> float:
    """Give the cosine of all weights of two networks, each layer scaled to one size.

    Parameters
    ----------
    weights
        Weights of each layer in either network.

    Examples
    --------
    >>> akin([(np.eye(2), 2 * np.eye(2))])
    1.0
    """
    cosines = []
    for a, b in weights:
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        cosines.append(float((a * b).sum()) / size if size > 0 else 0.0)
    return round(float(np.mean(cosines)), 12)


def layer_changes(ours: Affine, theirs: Affine) -> dict[str, object]:
    """Say what changed in the weights of one layer.

    Parameters
    ----------
    ours, theirs
        Weights and biases of the original and of the copy.

    Returns
    -------
    dict
        Word for what was ``done``; shares of weights that are zero in either and that changed; size of the change
        relative to that of the weights; median number of different weights of a node in either; number of nodes that
        changed.
    """
    (a, b), (c, d) = ours, theirs
    changed = a != c
    return {
        "done": done(ours, theirs),
        "zero_before": float((a == 0).mean()),
        "zero_after": float((c == 0).mean()),
        "weights_changed": float(changed.mean()),
        "relative_change": float(np.linalg.norm(c - a)) / max(float(np.linalg.norm(a)), 1e-300),
        "values_before": float(np.median([len(np.unique(row)) for row in a])),
        "values_after": float(np.median([len(np.unique(row)) for row in c])),
        "nodes_changed": int((changed.any(axis=1) | (b != d)).sum()),
        "nodes": len(a),
    }


def done(ours: Affine, theirs: Affine) -> Done:
    """Say what was done to a layer's weights, as far as the weights tell.

    Parameters
    ----------
    ours, theirs
        Weights and biases of the original and of the copy.

    Returns
    -------
    str
        ``nothing``; ``pruned`` where all that changed is zero now; ``rounded`` where nodes have few different weights
        now, all within a step of the old ones; both; else ``trained on``.

    Examples
    --------
    >>> weight, bias = np.array([[1.0, 2.0, 3.0]]), np.zeros(1)
    >>> done((weight, bias), (weight * [1, 0, 1], bias))
    'pruned'
    """
    (a, b), (c, d) = ours, theirs
    if np.array_equal(a, c) and np.array_equal(b, d):
        return "nothing"
    gone = (c == 0) & (a != 0)
    kept = ~gone
    if np.array_equal(a[kept], c[kept]) and np.array_equal(b, d):
        return "pruned"
    rounded = _is_rounded(a, c, gone)
    if rounded and gone.mean() > _would_round_to_zero(a, c):
        return "pruned and rounded"
    return "rounded" if rounded else "trained on"


def _is_rounded(a: Array, c: Array, gone: Array) -> bool:
    """Whether every node has few different weights, fewer than before, each near the old one."""
    after = np.array([len(np.unique(row)) for row in c])
    before = np.array([len(np.unique(row)) for row in a])
    reach = np.abs(a).max(axis=1, keepdims=True)
    step = 2 * reach / np.maximum(after - 1, 1)[:, None]  # of a grid with so many steps, or a coarser one
    near = np.abs(c - a)[~gone] <= np.broadcast_to(step, a.shape)[~gone]
    few = (after <= FEW_VALUES) & ((before >= MANY_VALUES * after) | _on_grid(c))
    return bool(few.all() and near.all())


def _on_grid(c: Array) -> Array:
    """Whether the weights of each node are whole multiples of one step, at most 127 of them."""
    scale = np.abs(c).max(axis=1, keepdims=True)
    whole_scale = max(float(np.abs(c).max()), 1e-300)
    return _whole(c, np.where(scale > 0, scale, 1)) | _whole(c, np.full_like(scale, whole_scale))


def _whole(c: Array, scale: Array) -> Array:
    found = np.zeros(len(c), bool)
    for levels in (127, 128, 7, 8, 1, 3):
        multiples = c / scale * levels
        found |= (np.abs(multiples - multiples.round()) <= 1e-3).all(axis=1)
    return found


def _would_round_to_zero(a: Array, c: Array) -> float:
    """Give the share of weights so small, within a step of their node, that rounding alone may have made them zero."""
    steps = [np.diff(np.unique(np.append(np.abs(row), 0.0))).min(initial=np.inf) for row in c]
    return float((np.abs(a) <= np.array(steps)[:, None]).mean())


def node_changes(ours: Affine, theirs: Affine, before: Array, after: Array) -> pd.DataFrame:
    """Say what changed of each node.

    Parameters
    ----------
    ours, theirs
        Weights and biases of the original and of the copy.
    before, after
        Outputs of the nodes on the same samples (S, N).
    """
    (a, b), (c, d) = ours, theirs
    sizes = np.linalg.norm(a, axis=1)
    spread_before, spread_after = before.std(axis=0), after.std(axis=0)
    moved = ((after - before) ** 2).mean(axis=0) ** 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = ((before - before.mean(axis=0)) * (after - after.mean(axis=0))).mean(axis=0)
        return pd.DataFrame(
            {
                "relative_change": np.where(sizes > 0, np.linalg.norm(c - a, axis=1) / sizes, np.nan),
                "bias_change": d - b,
                "zero_before": (a == 0).mean(axis=1),
                "zero_after": (c == 0).mean(axis=1),
                "correlation": np.where(
                    (spread_before > 0) & (spread_after > 0), covariance / (spread_before * spread_after), np.nan
                ),
                "output_change": np.where(spread_before > 0, moved / spread_before, np.nan),
                "silenced": (spread_before > 0) & (spread_after == 0),
            }
        )


def _with_kinds(table: pd.DataFrame, first: Member, other: Member, layer: NodeLayer) -> pd.DataFrame:
    found = [member.found.get("boundaries", {}).get(layer.name) for member in (first, other)]
    kinds = ["" if part is None else np.asarray(part.kind) for part in found]
    order = ["network", "layer", "node", "kind_before", "kind_after"]
    whole = table.assign(kind_before=kinds[0], kind_after=kinds[1])
    return whole[[*order, *(name for name in whole.columns if name not in order)]]

"""Which state of a node is rare, and which state the decision hangs on, node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from interp.types import Array
from interp.verdict.reading.networks.cut import Cut
from interp.verdict.reading.networks.stacked import Following, as_outputs, by_node, margins, winners
from interp.verdict.reading.ranks import random_order

NODES = 64
"""Number of nodes of a layer that get noise one by one, the first ones."""
END = 0.2
"""Share of a node's outputs at either end that gets noise, as the balance of a layer has it."""


def rarity_row(network: nn.Module, cut: Cut, layer: str, inputs: Tensor) -> dict[str, Any]:
    """Describe which state of a layer's nodes is rare, and whether the decision hangs on it node by node.

    Parameters
    ----------
    network
        Network, in eval mode.
    cut
        Places at which the network is cut: its layers.
    layer
        Name of the layer.
    inputs
        Samples that chose nothing, (S, ...).
    """
    taken = cut.take([network])
    outputs = taken.until(layer, inputs)
    rows = by_node(outputs)[0]
    row: dict[str, Any] = dict(state_row(rows.T))
    balances = node_balances(cut.following(taken, layer, inputs), outputs)
    skewness = skewness_of(rows[: len(balances)].T)
    known = np.isfinite(balances) & np.isfinite(skewness)
    row["nodes"] = int(known.sum())
    row["nodes_rho"] = _spearman(skewness[known], balances[known])
    return row


def _spearman(one: Array, other: Array) -> float:
    if len(one) < 3 or not np.ptp(one) or not np.ptp(other):
        return float("nan")
    return float(stats.spearmanr(one, other).statistic)


def state_row(outputs: Tensor) -> dict[str, float]:
    """Describe which state of a layer's nodes is rare.

    Parameters
    ----------
    outputs
        Outputs of the layer, (S, N).

    Returns
    -------
    dict
        Mean ``skewness`` of the nodes, the mean share of outputs above halfway between a node's extremes
        (``upper_share``), and that of outputs above zero (``active_share``); NaN where every node is constant.

    Examples
    --------
    >>> found = state_row(torch.tensor([[0.0], [0.0], [0.0], [1.0]]))
    >>> found["upper_share"], found["active_share"]
    (0.25, 0.25)
    """
    values: Array = outputs.numpy().astype(np.float64)
    live = values[:, np.ptp(values, axis=0) > 0]
    if not live.size:
        return dict.fromkeys(("skewness", "upper_share", "active_share"), float("nan"))
    halfway = (live.min(0) + live.max(0)) / 2
    return {
        "skewness": float(stats.skew(live, axis=0).mean()),
        "upper_share": float((live > halfway).mean()),
        "active_share": float((live > 0).mean()),
    }


def skewness_of(outputs: Tensor) -> Array:
    """Give the skewness of each node's outputs, (S, N) -> (N,); NaN of a constant one."""
    values = outputs.numpy().astype(np.float64)
    live = np.ptp(values, axis=0) > 0
    found = np.full(values.shape[1], np.nan)
    found[live] = stats.skew(values[:, live], axis=0)
    return found


@torch.no_grad()
def node_balances(following: Following, outputs: Tensor, seed: int = 0) -> Array:
    """Give S of single nodes: noise on the lowest and on the highest fifth of one node's outputs alone.

    Parameters
    ----------
    following
        Function of the layer's outputs that gives the logits.
    outputs
        Outputs of the layer in one network, (1, S, N, ...).
    seed
        Seed of the random number generator.

    Returns
    -------
    Array
        S = (low - high) / (low + high) of the mean change of the margin, for the first `NODES` nodes, (n,); NaN of a
        node that nothing hangs on.

    Examples
    --------
    >>> outputs = torch.linspace(0, 1, 50).view(1, 50, 1)
    >>> bool(node_balances(lambda a: torch.cat([a.clamp(max=0.5), -a.clamp(max=0.5)], 2), outputs)[0] > 0.5)
    True
    """
    rng = np.random.default_rng(seed)
    rows = by_node(outputs)
    order = random_order(rows, rng)
    count = max(round(END * rows.shape[2]), 1)
    drawn = torch.from_numpy(rng.standard_normal(count, np.float32)).to(rows)
    logits = following(outputs)
    winner = winners(logits)
    margin = margins(logits, winner)

    def moved(node: int, places: Tensor) -> float:
        changed = rows.clone()
        changed[0, node, places] += drawn * rows[0, node].std(correction=0)
        return float((margins(following(as_outputs(changed, outputs)), winner) - margin).abs().mean())

    nodes = range(min(rows.shape[1], NODES))
    ends = [(moved(node, order[0, node, :count]), moved(node, order[0, node, -count:])) for node in nodes]
    low, high = np.array(ends).T
    with np.errstate(invalid="ignore"):
        return np.asarray((low - high) / (low + high))

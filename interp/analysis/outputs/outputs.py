"""Range, mean and activity of the outputs of nodes, over blocks of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from interp.types import Array

ACTIVE = 1e-6
"""Absolute value of an output above which a node counts as active on a row (learn-DM, arXiv 2502.02103)."""


@dataclass(frozen=True)
class OutputStatistics:
    """Statistics of the activation outputs of N nodes over some rows.

    Attributes
    ----------
    low, high
        Least and largest output of each node (N,), in the precision of the outputs.
    mean
        Mean output of each node (N,), float64.
    active_share
        Share of rows on which the absolute value of each node's output exceeds 1e-6 (N,).
    """

    low: Array
    high: Array
    mean: Array
    active_share: Array


def output_statistics(blocks: Iterable[Array]) -> OutputStatistics:
    """Take range, mean and activity of outputs that come in blocks of rows.

    Parameters
    ----------
    blocks
        Outputs of the activation, (rows, N) each; at least one row in all.

    Returns
    -------
    OutputStatistics
        Statistics of each node over all rows.

    Examples
    --------
    >>> found = output_statistics([np.array([[0.0, 2.0]]), np.array([[1.0, 4.0]])])
    >>> found.low, found.high, found.mean, found.active_share
    (array([0., 2.]), array([1., 4.]), array([0.5, 3. ]), array([0.5, 1. ]))
    """
    low, high, total, active, rows = np.inf, -np.inf, 0.0, 0, 0
    for block in blocks:
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        total = total + block.sum(axis=0, dtype=np.float64)
        active = active + (np.abs(block) > ACTIVE).sum(axis=0)
        rows += len(block)
    assert rows, "statistics of no rows"
    return OutputStatistics(np.asarray(low), np.asarray(high), np.asarray(total / rows), np.asarray(active / rows))

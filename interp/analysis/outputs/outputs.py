"""Range, mean and activity of the outputs of nodes, over blocks of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from interp.analysis.outputs.sums import OutputSums
from interp.types import Array


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
    >>> import numpy as np
    >>> found = output_statistics([np.array([[0.0, 2.0]]), np.array([[1.0, 4.0]])])
    >>> found.low, found.high, found.mean, found.active_share
    (array([0., 2.]), array([1., 4.]), array([0.5, 3. ]), array([0.5, 1. ]))
    """
    found = reduce(OutputSums.merge, map(OutputSums.of, blocks))
    return OutputStatistics(found.low, found.high, found.mean, found.active_share)

"""Nodes that are alike: those of one layer whose outputs are most correlated."""

from __future__ import annotations

import numpy as np

from interp.types import Array

LEAST_SHARE = 0.01
"""Least share of rows on which a node's output must differ from its usual value to be like another."""

BLOCK = 1024
"""Largest number of nodes that are compared with all others at a time."""

MOST_VALUES = 2**23
"""Largest number of correlations that are in memory at once, 64 MB, of layers of over 8,192 nodes."""


def find_alike(outputs: Array, count: int = 5) -> tuple[Array, Array]:
    """Find, for each node, the other nodes whose outputs are most correlated with its own, of either sign.

    A node whose output is the same on all but 1 % of the rows, as of a ReLU that hardly ever fires, has none: two of
    them would be alike by the few rows on which they do anything.

    Parameters
    ----------
    outputs
        Outputs of the nodes, a row a sample (L, N).
    count
        Number of other nodes to find.

    Returns
    -------
    alike, correlation
        Indices of the other nodes, the most alike first, and Pearson's correlation with each, (N, count); NaN where
        there are fewer.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(200, 3))
    >>> alike, correlation = find_alike(np.column_stack([z, -2 * z[:, 0] + 1]), 1)
    >>> alike[[0, 3], 0], correlation[0, 0].round(3)
    (array([3., 0.]), np.float64(-1.0))
    """
    scaled, varies = _standardised(np.asarray(outputs, np.float64))
    nodes = scaled.shape[1]
    alike, correlation = np.full((2, nodes, count), np.nan)
    others = min(count, int(varies.sum()) - 1)
    block = max(1, min(BLOCK, MOST_VALUES // max(1, nodes)))
    for start in range(0, nodes if others > 0 else 0, block):
        own = np.arange(start, min(start + block, nodes))
        found = scaled[:, own].T @ scaled / len(scaled)
        size = np.where(varies, np.abs(found), -1.0)
        size[np.arange(len(own)), own] = -2.0
        best = largest_of(size, others)
        alike[own, :others] = best
        correlation[own, :others] = np.take_along_axis(found, best, axis=1).clip(-1, 1)
    return np.where(varies[:, None], alike, np.nan), np.where(varies[:, None], correlation, np.nan)


def largest_of(values: Array, count: int) -> Array:
    """Find the columns of the largest values of each row, the largest first; of equal ones the first.

    Parameters
    ----------
    values
        Numbers (R, C), none of them NaN.
    count
        Number of columns to find, 1 to C.

    Returns
    -------
    Array
        Indices of columns (R, count).

    Examples
    --------
    >>> largest_of(np.array([[0.0, 2.0, 1.0, 2.0]]), 3).tolist()
    [[1, 3, 2]]
    """
    bound = np.partition(values, values.shape[1] - count, axis=1)[:, -count, None]
    found = np.empty((len(values), count), np.int64)
    for row, (own, is_large) in enumerate(zip(values, values >= bound, strict=True)):
        few = np.flatnonzero(is_large)  # more than `count` where values are equal
        found[row] = few[np.argsort(-own[few], kind="stable")[:count]]
    return found


def _standardised(outputs: Array) -> tuple[Array, Array]:
    """Give outputs of mean 0 and variance 1, those that hardly vary as 0, and which do vary."""
    usual = np.median(outputs, axis=0)
    span = np.ptp(outputs, axis=0)
    differs = (np.abs(outputs - usual) > 1e-6 * span).mean(axis=0)
    spread = outputs.std(axis=0)
    varies = (differs >= LEAST_SHARE) & (spread > 1e-12 * np.abs(outputs).max(axis=0, initial=0))
    return np.where(varies, (outputs - outputs.mean(axis=0)) / np.where(varies, spread, 1), 0.0), varies


def saturated_share(outputs: Array, ends: tuple[float, float] | None) -> Array:
    """Give the share of rows on which a node's output lies within 1 % of an end of its activation's range.

    Parameters
    ----------
    outputs
        Outputs of the nodes, a row a sample (L, N).
    ends
        Least and largest output of the activation; None where it has none.

    Returns
    -------
    Array
        Share of rows of each node (N,); NaN without ends.

    Examples
    --------
    >>> saturated_share(np.array([[0.5, 1.0], [0.0, 0.999]]), (0, 1)), saturated_share(np.zeros((1, 1)), None)
    (array([0.5, 1. ]), array([nan]))
    """
    if ends is None:
        return np.full(outputs.shape[1], np.nan)
    low, high = ends
    near = 0.01 * (high - low)
    share: Array = ((outputs <= low + near) | (outputs >= high - near)).mean(axis=0)
    return share

"""Twins: the pairs of nodes of one layer whose outputs are most correlated."""

from __future__ import annotations

import numpy as np

from interp.types import Array

LEAST_SHARE = 0.01
"""Least share of rows on which a node's output must differ from its usual value to have a twin."""

BLOCK = 1024
"""Number of nodes that are compared with all others at a time."""


def find_twins(outputs: Array) -> tuple[Array, Array]:
    """Find, for each node, the other node whose outputs are most correlated with its own, of either sign.

    A node whose output is the same on all but 1 % of the rows, as of a ReLU that hardly ever fires, has no twin: two of
    them would be alike by the few rows on which they do anything.

    Parameters
    ----------
    outputs
        Outputs of the nodes, a row a sample (L, N).

    Returns
    -------
    twin, correlation
        Index of the other node and Pearson's correlation with it, (N,) each; NaN where there is none.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(200, 3))
    >>> twin, correlation = find_twins(np.column_stack([z, -2 * z[:, 0] + 1]))
    >>> twin[[0, 3]], correlation[0].round(3)
    (array([3., 0.]), np.float64(-1.0))
    """
    scaled, varies = _standardised(np.asarray(outputs, np.float64))
    nodes = scaled.shape[1]
    twin, correlation = np.full((2, nodes), np.nan)
    if varies.sum() < 2:
        return twin, correlation
    for start in range(0, nodes, BLOCK):
        own = np.arange(start, min(start + BLOCK, nodes))
        found = scaled[:, own].T @ scaled / len(scaled)
        size = np.where(varies, np.abs(found), -1.0)
        size[np.arange(len(own)), own] = -1.0
        best = size.argmax(axis=1)
        twin[own], correlation[own] = best, found[np.arange(len(own)), best].clip(-1, 1)
    return np.where(varies, twin, np.nan), np.where(varies, correlation, np.nan)


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

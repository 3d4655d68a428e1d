"""From the law of a number of nodes to the share that a null gives, its range and its p-values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from interp.types import Array

MOST = 1e6
"""Observations that a pool of random nodes may stand for."""


class Curve(NamedTuple):
    """Share of nodes within each threshold under a null, and how unusual the share found is.

    Attributes
    ----------
    share
        Expected share (E,).
    low, high
        Ends of the central 95 % of the shares (E,).
    p_value
        Probability of at least the share found (E,).
    p_below
        Probability of at most the share found (E,).
    """

    share: Array
    low: Array
    high: Array
    p_value: Array
    p_below: Array


def curve_of(share: Array, counts: Array, more: Array, fewer: Array | None = None) -> Curve:
    """Read a curve off the law of the number of nodes.

    Parameters
    ----------
    share
        Expected share (E,).
    counts
        Number of nodes found within each threshold (E,).
    more
        Probability of exactly 0, 1, ..., N nodes (N + 1, E).
    fewer
        Law that the lower end and its p-value are read off; None: that of the upper.

    Examples
    --------
    >>> law = np.array([[0.25], [0.5], [0.25]])
    >>> found = curve_of(np.array([0.5]), np.array([2]), law)
    >>> float(found.p_value[0]), float(found.p_below[0])
    (0.25, 1.0)
    """
    fewer = more if fewer is None else fewer
    number = np.arange(len(more))[:, None]
    nodes = max(len(more) - 1, 1)
    low = (np.cumsum(fewer, axis=0) < 0.025).sum(axis=0) / nodes
    high = (np.cumsum(more, axis=0) < 0.975).sum(axis=0) / nodes
    above, below = (more * (number >= counts)).sum(axis=0), (fewer * (number <= counts)).sum(axis=0)
    return Curve(share, low, np.minimum(high, 1), np.minimum(above, 1.0), np.minimum(below, 1.0))


def pooled_law(chance: Array, nodes: int, side: int) -> Array:
    """Give the law of a number of nodes of a kind that is known from a sample of such nodes only.

    The law is beta-binomial: what the sample leaves open of the chance is part of it. Where each chance is 0 or 1, its
    tail on the given side is the p-value of Fisher's exact test of the nodes against the sample; chances between count
    for as many observations as their mean's standard error is worth.

    Parameters
    ----------
    chance
        Probability that each sampled node lies within each threshold (M, E).
    nodes
        Number of nodes, N.
    side
        Tail that must not come out too small: 1 the upper, -1 the lower.

    Returns
    -------
    Array
        Probability of exactly 0, 1, ..., N nodes (N + 1, E).

    Examples
    --------
    >>> law = pooled_law(np.array([[1.0], [0.0], [0.0]]), nodes=2, side=1)
    >>> float(law[2, 0].round(3))  # Fisher: 3 of 5 in all, both of two: 3 / 10
    0.3
    """
    mean, sampled = chance.mean(axis=0), len(chance)
    error = chance.var(axis=0) / sampled
    spread = mean * (1 - mean)
    worth = np.where(spread > 0, np.clip(spread / np.maximum(error, 1e-300), sampled, MOST), sampled)
    hits = mean * worth
    first, second = (hits + 1, worth - hits) if side > 0 else (hits, worth - hits + 1)
    tiny = 1e-9  # a law without doubt: all nodes, or none
    found = scipy.stats.betabinom.pmf(
        np.arange(nodes + 1)[:, None], nodes, np.maximum(first, tiny), np.maximum(second, tiny)
    )
    return np.asarray(found)

"""Intervals of shares, and of their changes: what a count of right samples, or of nodes, tells of chances."""

from __future__ import annotations

import numpy as np
import scipy

from interp.types import Array

LEAST_COUNTED = 26
"""Number of samples or nodes from which a share has an interval: of fewer, it would hold more than it says."""

ONE, TWO = 2 / 3, 1 / 2
"""Part of the chance of the count itself that each tail holds: of one share, and of each of two that are compared."""

STEPS = 8
"""Number of Newton steps; after five nothing changes but the last bits."""


def share_interval(hits: Array | int, count: Array | int, confidence: float = 0.95) -> tuple[Array, Array]:
    """Give the interval of a share: of right samples, or of the nodes of a layer.

    It holds the shares under which a draw as far out has a chance of 2.5 % or more, two thirds of the chance of the
    draw itself counted. Clopper and Pearson (1934) count all of it, and hold too much; Lancaster's mid-p (1961) counts
    half, and holds 91.7 % of some shares. With two thirds every share is held in 93 % of data sets or more. Where
    shares are drawn evenly, the interval holds 95 to 97 % of those behind any count, as 0 of 100.

    Parameters
    ----------
    hits
        Number of successes, any shape.
    count
        Number of trials: one for all, or one for each.
    confidence
        Share of draws whose interval is to hold the truth.

    Returns
    -------
    low, high
        Ends of the interval, in [0, 1], of the shape of `hits`; NaN for fewer than `LEAST_COUNTED` trials.

    Examples
    --------
    >>> low, high = share_interval(np.array([0, 50]), 100)
    >>> low.round(3), high.round(3)
    (array([0.   , 0.401]), array([0.032, 0.599]))
    """
    low, high = _tails(hits, count, (1 - confidence) / 2, ONE)
    return _where_enough(low, count), _where_enough(high, count)


def paired_difference(gained: Array, lost: Array, count: int, confidence: float = 0.95) -> tuple[Array, Array, Array]:
    """Give the change of accuracy between two readings of the same samples, with its interval.

    The ends lie as far from the change as the nearer ends of the mid-p intervals of both shares take it, added as
    squares with the correlation of the two counts (Zou and Donner 2008; Newcombe 1998 adds Wilson's
    intervals so, in his method 10).

    Parameters
    ----------
    gained, lost
        Number of samples that only the second, or only the first, reading gets right; any shape.
    count
        Number of samples.
    confidence
        Share of data sets whose interval is to hold the truth.

    Returns
    -------
    difference, low, high
        Difference of shares, (gained - lost) / count, and its bounds, NaN for fewer than `LEAST_COUNTED` samples.

    Examples
    --------
    >>> [round(float(x), 4) for x in paired_difference(np.array(2), np.array(10), 100)]
    [-0.08, -0.1537, -0.013]
    """
    gained, lost = np.asarray(gained, float), np.asarray(lost, float)
    edge = (1 - confidence) / 2
    more, fewer = gained / count, lost / count
    (low_more, high_more), (low_fewer, high_fewer) = (_tails(hits, count, edge, TWO) for hits in (gained, lost))
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.sqrt(more * fewer / ((1 - more) * (1 - fewer)))
    apart = np.where(np.isfinite(rest), rest, 0.0)  # how far the counts go against each other
    below = _together(more - low_more, high_fewer - fewer, apart)
    above = _together(high_more - more, fewer - low_fewer, apart)
    change = (gained - lost) / count
    low, high = np.maximum(change - below, -1.0), np.minimum(change + above, 1.0)
    return change, _where_enough(low, count), _where_enough(high, count)


def _together(first: Array, second: Array, apart: Array) -> Array:
    return np.asarray(np.sqrt(first**2 + second**2 + 2 * apart * first * second))


def _where_enough(ends: Array, count: Array | int) -> Array:
    return np.where(np.asarray(count) < LEAST_COUNTED, np.nan, ends)


def _tails(hits: Array | int, count: Array | int, edge: float, weight: float) -> tuple[Array, Array]:
    """Give the shares of which a count has this chance in one tail, each pair of counts worked out once."""
    pairs = np.stack(np.broadcast_arrays(np.asarray(hits, float), np.asarray(count, float)), axis=-1)
    every, place = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    once, trials = every.T
    ends = np.stack([_lower(once, trials, edge, weight), 1 - _lower(trials - once, trials, edge, weight)])
    low, high = ends[:, place.reshape(-1)].reshape(2, *pairs.shape[:-1])
    return low, high


def _lower(hits: Array, count: Array, edge: float, weight: float) -> Array:
    """Find the share under which the upper tail of the hits has a chance of `edge`; 0 without hits.

    The chance grows with the share p, and its logarithm with that of p along a curve that bends down: Newton's steps
    from Clopper and Pearson's end, which lies below, never pass the root.
    """
    k = np.maximum(hits, 1.0)
    n = np.maximum(count, k)
    ways = scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1)
    share = scipy.special.betaincinv(k, n - k + 1, edge)
    for _ in range(STEPS):
        here = np.exp(ways + k * np.log(share) + scipy.special.xlog1py(n - k, -share))
        chance = scipy.special.betainc(k, n - k + 1, share) - (1 - weight) * here
        slope = here * (weight * k + (1 - weight) * (n - k) * share / (1 - share)) / chance
        share = share * np.exp((np.log(edge) - np.log(chance)) / slope)
    return np.where(hits == 0, 0.0, share)

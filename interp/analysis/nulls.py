"""What share of boundaries would pass through the mean of a cluster by chance.

The null ``random point`` moves a node's hyperplane in parallel through a random data point x: z becomes
z - z(x), so the mixture stays what it is and the chance of coming as close follows from the node's own
distribution. ``permuted bias`` gives each node another node's bias; ``random direction`` takes random
directions through random data points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.analysis.statistics import poisson_binomial_law
from interp.types import Array, GaussianFit, Thresholds

PERMUTATIONS = 500
"""Number of permutations of the null ``permuted bias``."""


class Clusters(NamedTuple):
    """Where a coherent boundary may pass, for each of N nodes and K components.

    Attributes
    ----------
    centre
        Cluster means along z (N, K).
    scale
        Unit of the distance to each mean (N, K): the component's standard deviation, or 1 under the rule ``mean``.
    usable
        True for each component that is heavy enough to count as a cluster (N, K).
    """

    centre: Array
    scale: Array
    usable: Array


class Curve(NamedTuple):
    """Shares of nodes that a null gives, at E thresholds.

    Attributes
    ----------
    share
        Expected share of nodes within each threshold (E,).
    low, high
        Ends of the central 95 % of the shares that the null gives (E,).
    """

    share: Array
    low: Array
    high: Array


class Null(NamedTuple):
    """Numbers of nodes that a null gives, at E thresholds.

    Attributes
    ----------
    chance
        Probability that each node lies within each threshold (N, E).
    law
        Probability that exactly 0, 1, ..., N nodes lie within each threshold (N + 1, E).
    """

    chance: Array
    law: Array


def clusters_of(fit: GaussianFit, thresholds: Thresholds) -> Clusters:
    """Give the clusters of a rule: the components of the mixtures, or the data mean alone.

    For the rule ``mean`` the one centre is z(mu), the mean of z since z is linear, in output units.

    Parameters
    ----------
    fit
        Gaussians of the nodes of one layer.
    thresholds
        Rule, and the least weight of a component that counts.

    Returns
    -------
    Clusters
        Cluster means along z of each node, with their units.
    """
    if thresholds.rule == "mean":
        return Clusters(fit.mean[:, None], np.ones((len(fit.mean), 1)), np.ones((len(fit.mean), 1), bool))
    heaviest = fit.weight.max(axis=1, keepdims=True)
    scale = np.sqrt(np.where(fit.component_var > 0, fit.component_var, np.nan))
    return Clusters(fit.component_mean, scale, fit.weight >= np.minimum(thresholds.min_weight, heaviest))


def chance_within(fit: GaussianFit, clusters: Clusters, distance: Array) -> Array:
    """Give the probability that a random data point lies within a distance of the mean of a usable cluster.

    The distribution of the point is the node's own histogram, uniform within a bin.

    Parameters
    ----------
    fit
        Gaussians of the nodes of one layer, with their histograms.
    clusters
        Cluster means of these nodes.
    distance
        Distances (N, E), in the units of `clusters`.

    Returns
    -------
    Array
        Probabilities (N, E).
    """
    cumulative = np.concatenate([np.zeros((len(fit.mean), 1)), np.cumsum(fit.histogram, axis=1)], axis=1) / fit.count
    lowest, highest = fit.minimum[:, None, None], fit.maximum[:, None, None]
    width = np.where(highest > lowest, highest - lowest, 1)
    usable = (clusters.usable & np.isfinite(clusters.scale))[:, None]
    reach = distance[:, :, None] * clusters.scale[:, None]  # (N, E, K)
    ends = (np.where(usable, clusters.centre[:, None] + side * reach, highest) for side in (-1, 1))
    start, stop = (_below((end - lowest) / width, cumulative) for end in _disjoint(*ends))
    return np.asarray(np.maximum(stop - start, 0).sum(axis=2))


def _disjoint(low: Array, high: Array) -> tuple[Array, Array]:
    """Cut K intervals (N, E, K) so that none overlaps another, keeping what they cover together."""
    order = low.argsort(axis=2)
    low, high = np.take_along_axis(low, order, axis=2), np.take_along_axis(high, order, axis=2)
    reached = np.maximum.accumulate(high, axis=2)
    return np.concatenate([low[:, :, :1], np.maximum(low[:, :, 1:], reached[:, :, :-1])], axis=2), high


def _below(value: Array, cumulative: Array) -> Array:
    """Give the distribution functions (N, B + 1), linear between equal bins, at values (N, ...) from 0 to 1."""
    bins = cumulative.shape[1] - 1
    at = np.clip(value, 0, 1) * bins
    left = np.minimum(at.astype(np.int64), bins - 1)
    node = np.arange(len(value)).reshape(-1, *(1 for _ in value.shape[1:]))
    first, second = cumulative[node, left], cumulative[node, left + 1]
    return np.asarray(first + (at - left) * (second - first))


def random_points(fit: GaussianFit, clusters: Clusters, live: Array, epsilons: Array) -> Null:
    """Give the null ``random point``: parallel boundaries through random data points.

    Parameters
    ----------
    fit
        Gaussians of the N nodes of one layer.
    clusters
        Cluster means of these nodes.
    live
        True for each node to be counted (N,).
    epsilons
        Thresholds of the distance, in the units of `clusters` (E,).

    Returns
    -------
    Null
        Chances of the nodes counted, and the law of their number.
    """
    return _null(_chances(fit, clusters, epsilons)[live])


def share_p_values(null: Null, counts: Array) -> Array:
    """Give the probability that a null gives at least as many nodes within each threshold.

    Parameters
    ----------
    null
        Law of the number of nodes under the null.
    counts
        Number of nodes found within each threshold (E,).

    Returns
    -------
    Array
        One-sided p-values (E,).
    """
    beyond = np.arange(len(null.law))[:, None] >= counts
    return np.asarray(np.minimum((null.law * beyond).sum(axis=0), 1.0))


def chance_curves(
    points: Null,
    clusters: Clusters,
    live: Array,
    epsilons: Array,
    *,
    bias: Array | None,
    directions: GaussianFit | None,
    thresholds: Thresholds,
    seed: int,
) -> dict[str, Curve]:
    """Give the share of nodes within each threshold under every null.

    Parameters
    ----------
    points
        Null ``random point``, of `random_points`.
    clusters
        Cluster means of the N nodes.
    live
        True for each node to be counted (N,).
    epsilons
        Thresholds of the distance, in the units of `clusters` (E,).
    bias
        Biases of the nodes (N,); None leaves out the null ``permuted bias``.
    directions
        Gaussians of random directions through the same inputs; None leaves out the null ``random direction``.
    thresholds
        Rule, and the least weight of a component that counts, for the random directions.
    seed
        Seed of the random number generator of the permutations.

    Returns
    -------
    dict of Curve
        Name of the null -> its shares; empty where no node is to be counted.
    """
    if not live.any():
        return {}
    curves = {"random point": _curve(points)}
    if bias is not None and live.sum() > 1:
        curves["permuted bias"] = _permuted_bias(clusters, live, bias, epsilons, seed)
    if directions is not None:
        chance = _chances(directions, clusters_of(directions, thresholds), epsilons).mean(axis=0)
        curves["random direction"] = _curve(_null(np.repeat(chance[None], live.sum(), axis=0)))
    return curves


def _chances(fit: GaussianFit, clusters: Clusters, epsilons: Array) -> Array:
    return chance_within(fit, clusters, np.broadcast_to(epsilons, (len(fit.mean), len(epsilons))))


def _null(chance: Array) -> Null:
    return Null(chance, poisson_binomial_law(chance))


def _curve(null: Null) -> Curve:
    """Give the mean and the 2.5 % and 97.5 % points of the share of nodes."""
    nodes = len(null.chance)
    below = np.cumsum(null.law, axis=0)
    low, high = ((below < edge).sum(axis=0) / nodes for edge in (0.025, 0.975))
    return Curve(null.chance.mean(axis=0), low, np.minimum(high, 1))


def _permuted_bias(clusters: Clusters, live: Array, bias: Array, epsilons: Array, seed: int) -> Curve:
    """Give node i the bias of node j: its boundary moves to z = b_i - b_j."""
    centre, scale, usable = (part[live] for part in clusters)
    known, rng = usable & np.isfinite(scale), np.random.default_rng(seed)
    shares = []
    for _ in range(PERMUTATIONS):
        shift = bias[live] - rng.permutation(bias[live])
        gaps = np.abs(centre - shift[:, None]) / scale
        distance = np.where(known & ~np.isnan(gaps), gaps, np.inf).min(axis=1)
        shares.append(np.searchsorted(np.sort(distance), epsilons, side="right") / len(distance))
    low, high = np.quantile(shares, [0.025, 0.975], axis=0)
    return Curve(np.mean(shares, axis=0), low, high)

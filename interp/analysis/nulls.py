"""What share of boundaries would pass through a cluster's mean by chance.

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


class Clusters(NamedTuple):
    """Where a coherent boundary may pass, per node and component.

    Attributes
    ----------
    centre, scale
        (N, K) cluster means along z, and the unit of distance to each.
    usable
        (N, K) components that count as clusters.
    """

    centre: Array
    scale: Array
    usable: Array


class Curve(NamedTuple):
    """Expected share (E,) and the central 95 % range of what a null gives."""

    share: Array
    low: Array
    high: Array


class Null(NamedTuple):
    """What a null gives: the chance of each node (N, E), and the law of the number of nodes (N + 1, E)."""

    chance: Array
    law: Array


def clusters_of(fit: GaussianFit, thresholds: Thresholds) -> Clusters:
    """Give the clusters that a rule knows: mixture components, or the data mean alone.

    For the rule ``mean`` the one centre is z(mu), the mean of z since z is linear, in output units.
    """
    if thresholds.rule == "mean":
        return Clusters(fit.mean[:, None], np.ones((len(fit.mean), 1)), np.ones((len(fit.mean), 1), bool))
    heaviest = fit.weight.max(axis=1, keepdims=True)
    scale = np.sqrt(np.where(fit.component_var > 0, fit.component_var, np.nan))
    return Clusters(fit.component_mean, scale, fit.weight >= np.minimum(thresholds.min_weight, heaviest))


def chance_within(fit: GaussianFit, clusters: Clusters, distance: Array) -> Array:
    """P(a random data point lies within `distance` of a usable cluster's mean), (N, E) -> (N, E).

    The point's law is the node's own histogram, taken as linear within a bin.
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
    """Take from K intervals, each (N, E, K), what lies in one that starts before."""
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
    """Give the null ``random point`` for the live nodes within each epsilon (E,)."""
    return _null(_chances(fit, clusters, epsilons)[live])


def share_p_values(null: Null, counts: Array) -> Array:
    """P(a null gives at least `counts` nodes within each epsilon), (E,)."""
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
    """Give each null's share of live nodes within each epsilon; `points` is the one of `random_points`."""
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
    """Mean and 2.5 % and 97.5 % points of the share of nodes."""
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

"""What share of boundaries would pass through a cluster's mean by chance.

The null ``random point`` moves a node's hyperplane in parallel through a random data point x: z becomes
z - z(x), so the mixture stays what it is and the chance of coming as close follows from the node's own
distribution. ``permuted bias`` gives each node another node's bias; ``random direction`` takes random
directions through random data points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.gaussians import bin_edges
from interp.statistics import poisson_binomial_law
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


def clusters_of(fit: GaussianFit, thresholds: Thresholds) -> Clusters:
    """Give the clusters that a rule knows: mixture components, or the data mean alone.

    For the rule ``mean`` the one centre is z(mu), the mean of z since z is linear, in output units.
    """
    if thresholds.rule == "mean":
        return Clusters(fit.mean[:, None], np.ones((len(fit.mean), 1)), np.ones((len(fit.mean), 1), bool))
    heaviest = fit.weight.max(axis=1, keepdims=True)
    scale = np.sqrt(np.where(fit.component_var > 0, fit.component_var, np.nan))
    return Clusters(fit.component_mean, scale, fit.weight >= np.minimum(thresholds.min_weight, heaviest))


def chance_within(fit: GaussianFit, places: Clusters, distance: Array) -> Array:
    """P(a random data point lies within `distance` of a usable cluster's mean), (N, E) -> (N, E).

    The point's law is the node's own histogram, taken as linear within a bin.
    """
    edges = bin_edges(fit)
    cumulative = np.concatenate([np.zeros((len(edges), 1)), np.cumsum(fit.histogram, axis=1)], axis=1) / fit.count
    chance = np.zeros_like(distance, float)
    for node, (centre, scale, usable) in enumerate(zip(*places, strict=True)):
        which = np.flatnonzero(usable & np.isfinite(scale))
        if len(which):
            reach = distance[node][:, None] * scale[which]
            chance[node] = _covered(centre[which] - reach, centre[which] + reach, edges[node], cumulative[node])
    return chance


def _covered(low: Array, high: Array, edges: Array, cumulative: Array) -> Array:
    """Mass of the union of K intervals, each (E, K), under a piecewise linear distribution function."""
    order = low.argsort(axis=1)
    low, high = np.take_along_axis(low, order, axis=1), np.take_along_axis(high, order, axis=1)
    reached = np.maximum.accumulate(high, axis=1)
    start = np.maximum(low, np.concatenate([np.full((len(low), 1), -np.inf), reached[:, :-1]], axis=1))
    mass = np.interp(high, edges, cumulative) - np.interp(start, edges, cumulative)
    return np.asarray(np.maximum(mass, 0).sum(axis=1))


def share_p_values(fit: GaussianFit, places: Clusters, live: Array, epsilons: Array, counts: Array) -> Array:
    """P(the null ``random point`` gives at least `counts` nodes within each epsilon), (E,)."""
    chance = _chances(fit, places, epsilons)[live]
    tails = [poisson_binomial_law(column)[count:].sum() for column, count in zip(chance.T, counts, strict=True)]
    return np.asarray(np.minimum(tails, 1.0))


def chance_curves(
    fit: GaussianFit,
    places: Clusters,
    live: Array,
    epsilons: Array,
    *,
    bias: Array | None,
    directions: GaussianFit | None,
    thresholds: Thresholds,
    seed: int,
) -> dict[str, Curve]:
    """Give each null's share of live nodes within each epsilon."""
    if not live.any():
        return {}
    curves = {"random point": _of_laws(_chances(fit, places, epsilons)[live])}
    if bias is not None and live.sum() > 1:
        curves["permuted bias"] = _permuted_bias(places, live, bias, epsilons, seed)
    if directions is not None:
        chance = _chances(directions, clusters_of(directions, thresholds), epsilons).mean(axis=0)
        curves["random direction"] = _of_laws(np.repeat(chance[None], live.sum(), axis=0))
    return curves


def _chances(fit: GaussianFit, places: Clusters, epsilons: Array) -> Array:
    return chance_within(fit, places, np.broadcast_to(epsilons, (len(fit.mean), len(epsilons))))


def _of_laws(chance: Array) -> Curve:
    """Mean and 2.5 % and 97.5 % points of the share of nodes, each with its own chance (N, E)."""
    bounds = []
    for column in chance.T:
        cumulative = np.cumsum(poisson_binomial_law(column))
        bounds.append(np.searchsorted(cumulative, [0.025, 0.975]) / len(column))
    low, high = np.transpose(bounds)
    return Curve(chance.mean(axis=0), low, np.minimum(high, 1))


def _permuted_bias(places: Clusters, live: Array, bias: Array, epsilons: Array, seed: int) -> Curve:
    """Give node i the bias of node j: its boundary moves to z = b_i - b_j."""
    nodes = np.flatnonzero(live)
    shift = bias[nodes][:, None] - bias[nodes]
    centre, scale, usable = (part[nodes] for part in places)
    gaps = np.abs(centre[:, None] - shift[:, :, None]) / scale[:, None]
    allowed = np.where((usable & np.isfinite(scale))[:, None], gaps, np.inf)
    distance = np.where(np.isnan(allowed), np.inf, allowed).min(axis=2)
    rng = np.random.default_rng(seed)
    drawn = np.stack([distance[np.arange(len(nodes)), rng.permutation(len(nodes))] for _ in range(PERMUTATIONS)])
    shares = (drawn[:, :, None] <= epsilons).mean(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975], axis=0)
    return Curve(shares.mean(axis=0), low, high)

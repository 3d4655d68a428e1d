"""What share of boundaries would pass through a cluster's mean by chance, in seven senses of chance.

====================  ================================================  ==========================================
null                  a node's boundary                                 p-value
====================  ================================================  ==========================================
random point          parallel to its own, through a random data point  Poisson-binomial
permuted bias         with another node's bias                          permutation test
data mean             parallel to its own, through the data mean        exact sign test of the two, paired by node
random direction      of random direction, through a random data point  beta-binomial (`pooled_law`)
fresh initialisation  of random direction, with a fresh bias            beta-binomial
fresh without bias    of random direction, through the origin           beta-binomial
fresh batch norm      of random direction, through the data mean        beta-binomial
====================  ================================================  ==========================================

A fresh bias is that of a linear or convolutional layer in PyTorch: weights of variance 1 / (3 fan-in) and biases
uniform in +-1 / sqrt(fan-in), so that with weights of variance 1 it is uniform in +-sqrt(3). A batch norm at its
initialisation, with the statistics of the data, puts every boundary through the data mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from interp.analysis.distributions import Distribution
from interp.analysis.nulls.clusters import Clusters, chance_within
from interp.analysis.nulls.laws import Curve, curve_of, pooled_law
from interp.analysis.statistics import poisson_binomial_law
from interp.types import Array, GaussianFit

PERMUTATIONS = 999
"""Number of random permutations of the biases; with the layer's own order they are a thousand."""

FRESH_BIAS = float(np.sqrt(3))
"""Largest fresh bias beside weights of variance 1."""


class Nodes(NamedTuple):
    """Nodes whose boundaries are counted.

    Attributes
    ----------
    clusters
        Cluster means along z of N nodes.
    values
        Shares of each node's rows by z.
    mean
        Mean of z (N,).
    """

    clusters: Clusters
    values: Distribution
    mean: Array


def nodes_of(fit: GaussianFit, clusters: Clusters, live: Array) -> Nodes:
    """Take some nodes of a layer with their clusters.

    Parameters
    ----------
    fit
        Gaussians of the nodes of the layer.
    clusters
        Cluster means of all of them.
    live
        True for each node to be counted (N,).
    """
    return Nodes(clusters.of(live), Distribution.of_fit(fit).of_nodes(live), fit.mean[live])


def null_curves(
    own: Nodes, epsilons: Array, *, bias: Array | None = None, pool: Nodes | None = None, seed: int = 0
) -> dict[str, Curve]:
    """Give the share of nodes within each threshold under every null, and how unusual the layer's own share is.

    Parameters
    ----------
    own
        Nodes of the layer that are to be counted.
    epsilons
        Thresholds of the distance, in the units of the clusters (E,).
    bias
        Biases of these nodes (N,). Without them, or where all are the same, there is no null ``permuted bias``.
    pool
        Random directions through the same inputs, weights of variance 1 and no bias; None leaves their nulls out.
    seed
        Seed of the random number generator of the permutations.

    Returns
    -------
    dict of Curve
        Name of the null -> its shares; empty where there is no node.
    """
    nodes = len(own.mean)
    if not nodes:
        return {}
    within = own.clusters.nearest()[:, None] <= epsilons
    counts = within.sum(axis=0)
    curves = {"random point": random_point(own, epsilons, counts)}
    if bias is not None and np.ptp(bias) > 0:
        curves["permuted bias"] = permuted_bias(own.clusters, bias, epsilons, counts, seed)
    curves["data mean"] = data_mean(own, epsilons, within)
    chances = {} if pool is None else fresh_chances(pool, epsilons)
    return curves | {name: _pooled(chance, nodes, counts) for name, chance in chances.items()}


def random_point(own: Nodes, epsilons: Array, counts: Array) -> Curve:
    """Move each boundary in parallel through a random data point: z becomes z - z(x), whose law is the node's own."""
    chance = chance_within(own.values, own.clusters, _for_all(epsilons, len(own.mean)))
    return curve_of(chance.mean(axis=0), counts, poisson_binomial_law(chance))


def permuted_bias(clusters: Clusters, bias: Array, epsilons: Array, counts: Array, seed: int) -> Curve:
    """Give node i the bias of node j, which moves its boundary to z = b_i - b_j; each bias to one node.

    The layer's own order is one of the permutations, so that the test is exact (Phipson and Smyth 2010).
    """
    rng, every, places = np.random.default_rng(seed), np.arange(len(bias)), np.arange(len(epsilons))
    distance = np.stack([clusters.nearest(bias - other) for other in bias], axis=1)  # of node i with the bias of j
    law = np.zeros((len(bias) + 1, len(epsilons)))
    law[counts, places] = 1
    for _ in range(PERMUTATIONS):
        found = np.sort(distance[every, rng.permutation(len(bias))])
        law[np.searchsorted(found, epsilons, side="right"), places] += 1
    law /= PERMUTATIONS + 1
    return curve_of(every_share(law), counts, law)


def every_share(law: Array) -> Array:
    """Give the expected share of nodes under laws of their number, (N + 1, E) -> (E,)."""
    return np.asarray(np.arange(len(law)) @ law / max(len(law) - 1, 1))


def data_mean(own: Nodes, epsilons: Array, within: Array) -> Curve:
    """Move each boundary in parallel through the data mean, and compare the two node by node.

    Where the layer's own boundaries are no closer to clusters than those, a node with only one of the two within the
    threshold has either with probability 1/2 (sign test). The share under this null is one number, so it has no range.
    """
    at_mean = own.clusters.nearest(own.mean)[:, None] <= epsilons
    gained, lost = (within & ~at_mean).sum(axis=0), (at_mean & ~within).sum(axis=0)
    share = at_mean.mean(axis=0)
    return Curve(share, share, share, sign_test(gained, lost), sign_test(lost, gained))


def sign_test(gained: Array, lost: Array) -> Array:
    """Give the exact one-sided p-value of `gained` against `lost`: P(at least `gained` of both | 1/2)."""
    return np.asarray(scipy.stats.binom.sf(gained - 1, gained + lost, 0.5))


def fresh_chances(pool: Nodes, epsilons: Array) -> dict[str, Array]:
    """Give the chance of each random direction to lie within each threshold, by where its boundary is put (M, E)."""
    nodes, clusters = len(pool.mean), pool.clusters
    reach = _for_all(epsilons, nodes)
    fresh = Distribution.uniform(-FRESH_BIAS, FRESH_BIAS, nodes)
    return {
        "random direction": chance_within(pool.values, clusters, reach),
        "fresh initialisation": chance_within(fresh, clusters, reach),
        "fresh without bias": (clusters.nearest()[:, None] <= reach).astype(float),
        "fresh batch norm": (clusters.nearest(pool.mean)[:, None] <= reach).astype(float),
    }


def _pooled(chance: Array, nodes: int, counts: Array) -> Curve:
    more, fewer = (pooled_law(chance, nodes, side) for side in (1, -1))
    return curve_of(chance.mean(axis=0), counts, more, fewer)


def _for_all(epsilons: Array, nodes: int) -> Array:
    return np.broadcast_to(epsilons, (nodes, len(epsilons)))

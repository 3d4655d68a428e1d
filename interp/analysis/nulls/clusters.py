"""Cluster means along each node's z, and how close a boundary comes to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.analysis.distributions import Distribution
from interp.types import Array, GaussianFit, Thresholds

LEAST_ROWS = 10
"""Rows from which the mean of a class counts."""

PIECE = 2_000_000
"""Numbers in an array of nodes, thresholds and clusters, at most."""


class Clusters(NamedTuple):
    """Cluster means of every node along z, K for each.

    Attributes
    ----------
    centre
        Means of the clusters along z (N, K).
    scale
        Unit of the distance to each mean (N, K): its standard deviation, or 1.
    usable
        True for each component that counts as a cluster (N, K).
    """

    centre: Array
    scale: Array
    usable: Array

    def of(self, nodes: Array | slice) -> Clusters:
        """Give those of some nodes alone."""
        return Clusters(self.centre[nodes], self.scale[nodes], self.usable[nodes])

    def distances(self, at: Array | float = 0.0) -> Array:
        """Give the distance from z = `at` to every cluster that counts (N, K); infinite for the others.

        Parameters
        ----------
        at
            Place of the boundary of each node along z: one value, or (N,).
        """
        with np.errstate(invalid="ignore"):
            gaps = np.abs(self.centre - np.reshape(at, (-1, 1))) / self.scale
        return np.where(self.usable & np.isfinite(gaps), gaps, np.inf)

    def nearest(self, at: Array | float = 0.0) -> Array:
        """Give the distance from z = `at` to the nearest cluster (N,); infinite without one."""
        found: Array = self.distances(at).min(axis=1, initial=np.inf)
        return found


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


def classes_of(fit: GaussianFit) -> Clusters:
    """Give the classes' means of z in place of the components', each in the class's standard deviations.

    Parameters
    ----------
    fit
        Gaussians of the nodes of one layer, fitted with labels.

    Returns
    -------
    Clusters
        One cluster a class; one of fewer than `LEAST_ROWS` rows does not count.
    """
    scale = np.sqrt(np.where(fit.class_var > 0, fit.class_var, np.nan)).T
    many = np.broadcast_to(fit.class_count >= LEAST_ROWS, scale.shape)
    return Clusters(fit.class_mean.T, scale, many & np.isfinite(scale))


def chance_within(law: Distribution, clusters: Clusters, distance: Array) -> Array:
    """Give the probability that a boundary lies within a distance of the mean of a cluster that counts.

    Parameters
    ----------
    law
        Law of the place of each node's boundary along z, in shares.
    clusters
        Cluster means of these nodes.
    distance
        Distances (N, E), in the units of `clusters`.

    Returns
    -------
    Array
        Probabilities (N, E).
    """
    nodes, many = distance.shape
    step = max(PIECE // max(many * clusters.centre.shape[1], 1), 1)
    parts = [slice(start, start + step) for start in range(0, nodes, step)]
    found = [_chance_of(law.of_nodes(part), clusters.of(part), distance[part]) for part in parts]
    return np.concatenate(found) if found else np.zeros((0, many))


def _chance_of(law: Distribution, clusters: Clusters, distance: Array) -> Array:
    usable = (clusters.usable & np.isfinite(clusters.scale))[:, None]
    reach = distance[:, :, None] * clusters.scale[:, None]  # (N, E, K)
    beyond = law.high[:, None, None]
    ends = (np.where(usable, clusters.centre[:, None] + side * reach, beyond) for side in (-1, 1))
    start, stop = _disjoint(*ends)
    return np.asarray(np.minimum(law.within(start, stop).sum(axis=2), 1.0))


def _disjoint(low: Array, high: Array) -> tuple[Array, Array]:
    """Cut K intervals (N, E, K) so that none overlaps another, keeping what they cover together."""
    order = low.argsort(axis=2)
    low, high = np.take_along_axis(low, order, axis=2), np.take_along_axis(high, order, axis=2)
    reached = np.maximum.accumulate(high, axis=2)
    return np.concatenate([low[:, :, :1], np.maximum(low[:, :, 1:], reached[:, :, :-1])], axis=2), high

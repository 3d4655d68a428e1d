"""The share of a layer's boundaries that pass through cluster means, beside what every null gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from interp.analysis.counts import share_interval
from interp.analysis.nulls.clusters import Clusters
from interp.analysis.nulls.laws import Curve
from interp.analysis.nulls.nulls import nodes_of, null_curves
from interp.types import Array, GaussianFit


@dataclass(frozen=True)
class Shares:
    """Share of nodes within each threshold, beside its nulls.

    Attributes
    ----------
    share, low, high
        Share, NaN without nodes, and the ends of its 95 % interval, see `share_interval` (E,).
    curves
        Name of a null -> what it gives.
    """

    share: Array
    low: Array
    high: Array
    curves: Mapping[str, Curve]

    @property
    def worst(self) -> Array:
        """Largest p-value over the nulls (E,); 1 without any."""
        if not self.curves:
            return np.ones(len(self.share))
        return np.asarray(np.max([curve.p_value for curve in self.curves.values()], axis=0))

    def nulls(self) -> dict[str, dict[str, Array]]:
        """Give what each null gives as the fields of a result, by null."""
        return {
            f"null_{part}": {null: getattr(curve, part) for null, curve in self.curves.items()}
            for part in Curve._fields
        }


def shares_of(
    fit: GaussianFit,
    clusters: Clusters,
    live: Array,
    epsilons: Array,
    *,
    bias: Array | None = None,
    pool: tuple[GaussianFit, Clusters] | None = None,
    seed: int = 0,
) -> Shares:
    """Count the boundaries within each threshold of a cluster's mean, and set their share beside the nulls.

    Parameters
    ----------
    fit
        Gaussians of the N nodes of one layer.
    clusters
        Cluster means of these nodes.
    live
        True for each node to be counted (N,).
    epsilons
        Thresholds of the distance (E,).
    bias
        Biases of the nodes (N,); None leaves out the null that permutes them.
    pool
        Gaussians of random directions with their clusters; None leaves out their nulls.
    seed
        Seed of the random number generator of the permutations.
    """
    own = nodes_of(fit, clusters, live)
    within = own.clusters.nearest()[:, None] <= epsilons
    if not len(within):
        unknown = np.full(len(epsilons), np.nan)
        return Shares(unknown, unknown, unknown, {})
    low, high = share_interval(within.sum(axis=0), len(within))
    random = None if pool is None else nodes_of(*pool, np.ones(len(pool[0].mean), bool))
    biases = None if bias is None else bias[live]
    curves = null_curves(own, epsilons, bias=biases, pool=random, seed=seed)
    return Shares(within.mean(axis=0), low, high, curves)

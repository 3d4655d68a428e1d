"""Kinds of the boundaries of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from interp.types.arrays import Array
from interp.types.flags import Flag
from interp.types.shown import Shown

KINDS = ("coherent", "adhoc", "one-sided", "dead")

UNSAMPLED = "unsampled"
"""What a node is called that is neither dead nor one-sided, and was not drawn to have a mixture fitted."""


@dataclass(frozen=True, repr=False)
class Thresholds(Shown):
    """What counts as dead, one-sided and coherent.

    Attributes
    ----------
    rule
        ``mixture``: |m_k|/s_k <= epsilon for some component with weight >= min_weight.
        ``mean``: |z(mu)| <= epsilon, in the output's own unit (as-NN, experiment 1).
    epsilon
        Largest distance of a coherent boundary to a cluster mean, in sigma; in output units under the ``mean`` rule.
    min_weight
        Least weight of a component that counts as a cluster.
    one_sided
        Share of rows on one side of z = 0 from which a node acts as linear.
    """

    rule: Literal["mixture", "mean"] = "mixture"
    epsilon: Annotated[float, Flag(low=0, high=1e6, default="0.25; the preset's")] = 0.25
    min_weight: float = 0.05
    one_sided: float = 0.999


@dataclass(frozen=True, repr=False)
class Boundaries(Shown):
    """Kind of every boundary z = 0 of one layer, beside what chance would give.

    Attributes
    ----------
    kind
        (N,) ``dead``, ``one-sided``, ``coherent`` or ``adhoc``; ``unsampled`` where no mixture was fitted to a node
        that is neither dead nor one-sided.
    component
        (N,) index of the component whose mean the boundary is closest to; -1 if dead or without mixture.
    distance
        (N,) of the boundary to that mean, in sigma (``mean`` rule: output units); NaN where `component` is -1.
    distance_low, distance_high
        (N,) 95 % interval of the distance (delta method).
    component_distance
        (N, K) of the boundary to every component mean, in sigma.
    p_value, q_value
        (N,) chance that a parallel hyperplane through a random data point comes as close;
        and the same after Benjamini-Hochberg.
    epsilons
        (E,) thresholds of the curve.
    share, share_low, share_high
        (E,) share of live nodes with mixtures within epsilon, with 95 % bootstrap interval over nodes.
    null_share
        Null name -> (E,) expected share: ``random point``, ``permuted bias``,
        ``random direction``.
    null_low, null_high
        Null name -> (E,) central 95 % range of the share that the null gives.
    share_p_value
        (E,) P(null ``random point`` gives at least this share), Poisson-binomial.
    thresholds
        As used.
    """

    kind: Array
    component: Array
    distance: Array
    distance_low: Array
    distance_high: Array
    component_distance: Array
    p_value: Array
    q_value: Array
    epsilons: Array
    share: Array
    share_low: Array
    share_high: Array
    null_share: Mapping[str, Array]
    null_low: Mapping[str, Array]
    null_high: Mapping[str, Array]
    share_p_value: Array
    thresholds: Thresholds

    @property
    def judged(self) -> int:
        """Live nodes that were held against clusters: those behind `share`."""
        return int(np.isfinite(self.p_value).sum())

    @property
    def counts(self) -> dict[str, int]:
        """Nodes of each kind; `UNSAMPLED` only where there are some."""
        found = {kind: int(np.sum(self.kind == kind)) for kind in (*KINDS, UNSAMPLED)}
        return {kind: count for kind, count in found.items() if count or kind != UNSAMPLED}

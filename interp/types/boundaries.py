"""Kinds of the boundaries of a layer, and faults of its nodes that show in their outputs alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np

from interp.types.annotations.flags import Flag
from interp.types.annotations.shapes import Shape
from interp.types.arrays import Array
from interp.types.shown import ShortRepr

KINDS = ("coherent", "adhoc", "undecided", "one-sided", "dead")

UNSAMPLED = "unsampled"
"""Kind of a node that is neither dead nor one-sided, and was not drawn to have a mixture fitted."""


@dataclass(frozen=True, repr=False)
class Thresholds(ShortRepr):
    """Thresholds at which a node is called dead, one-sided or coherent.

    Attributes
    ----------
    rule
        Rule for coherent boundaries: ``mixture``, |m|/s <= epsilon for the mean m and standard deviation s of some
        component whose weight is large enough; ``mean``, |z| <= epsilon at the mean input (as-NN, experiment 1).
    epsilon
        Largest distance of a coherent boundary to a cluster mean, in sigma; in output units under the ``mean`` rule.
    min_weight
        Least weight of a component that counts as a cluster.
    one_sided
        Share of rows on one side of z = 0 from which a node acts as linear.
    reliability
        Least reliability of a label ``coherent`` or ``adhoc``, in [0, 1): a node below it is ``undecided``, and so is
        one whose clusters are not separate enough for a label to be known as right; 0 labels every node, and so does
        the rule ``mean``.
    dead_loss
        Final loss above which a node is dead under the rule ``mean``, where the losses of nodes are known (as-NN,
        experiment 1).
    """

    rule: Literal["mixture", "mean"] = "mixture"
    epsilon: Annotated[float, Flag(low=0, high=1e6, default="0.25; the preset's")] = 0.25
    min_weight: float = 0.05
    one_sided: float = 0.999
    reliability: float = 0.99
    dead_loss: float = 1.7


@dataclass(frozen=True, repr=False)
class Coherence(ShortRepr):
    """How close boundaries come to the means of classes, beside what chance would give.

    Attributes
    ----------
    distance
        Distance from the boundary to the nearest class-conditional mean of z, in the class's standard deviations; NaN
        of nodes that are not classified.
    share, share_low, share_high
        Share of live nodes within each threshold, and the ends of its 95 % interval over nodes; NaN for few nodes.
    null_share, null_low, null_high
        Name of a null -> the share that it leads one to expect, and the ends of the central 95 % of the shares.
    null_p_value, null_p_below
        Name of a null -> probability that it gives at least, and at most, the share found.
    kind
        Kind of each node's boundary by the means of classes, one of `KINDS` or ``unsampled``: ``undecided`` where a
        class's mean is too close to the threshold for its number of rows; None in older files.
    """

    distance: Annotated[Array, Shape("N")]
    share: Annotated[Array, Shape("E")]
    share_low: Annotated[Array, Shape("E")]
    share_high: Annotated[Array, Shape("E")]
    null_share: Mapping[str, Annotated[Array, Shape("E")]]
    null_low: Mapping[str, Annotated[Array, Shape("E")]]
    null_high: Mapping[str, Annotated[Array, Shape("E")]]
    null_p_value: Mapping[str, Annotated[Array, Shape("E")]]
    null_p_below: Mapping[str, Annotated[Array, Shape("E")]]
    kind: Annotated[Array, Shape("N", "text")] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Nodes of each kind there is; empty in older files."""
        names, counts = np.unique(np.asarray([] if self.kind is None else self.kind, str), return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True, repr=False)
class Boundaries(ShortRepr):
    """Kind of every boundary z = 0 of one layer, beside what chance would give.

    Attributes
    ----------
    kind
        Kind of each node's boundary, one of `KINDS`: ``undecided`` where the data do not allow to say whether it is
        coherent or adhoc; ``unsampled`` where no mixture was fitted to a node that is neither dead nor one-sided.
    component
        Index of the mixture component whose mean the boundary is closest to; NaN if dead, without mixture, or under the
        rule ``mean``, which looks at no component.
    distance
        Distance from the boundary to that mean, in sigma of the component; under the rule ``mean`` to the mean of all
        rows, in output units; NaN if dead or without mixture.
    distance_low, distance_high
        Ends of the distance's 95 % interval, given the number of components; NaN where none covers.
    component_distance
        Distance from the boundary to the mean of every component, in sigma of the component.
    p_value, q_value
        Probability that a parallel hyperplane through a random data point comes as close, and its q-value
        (Benjamini-Hochberg over the layer).
    epsilons
        Thresholds at which the share of coherent nodes is given, ascending.
    share, share_low, share_high
        Share of live nodes with mixtures that lie within each threshold, and the ends of its 95 % interval over
        nodes; NaN for few nodes.
    null_share
        Name of a null -> the share that it leads one to expect: ``random point``, ``permuted bias``, ``data mean``,
        ``random direction``, ``fresh initialisation``, ``fresh without bias``, ``fresh batch norm``.
    null_low, null_high
        Name of a null -> the ends of the central 95 % of the shares that it gives.
    share_p_value
        Largest probability, over the nulls, of at least this share.
    thresholds
        Thresholds and rule that the kinds were told apart by.
    null_p_value, null_p_below
        Name of a null -> probability that it gives at least, and at most, this share.
    reliability
        Probability that another sample of the size would put a node's boundary on the same side of the threshold,
        from the two halves of the samples, in [0.5, 1]; NaN where `component` is NaN, or nothing is known of halves.
    by_class
        Shares and nulls with class-conditional means in place of the mixture's; None without classes.
    """

    kind: Annotated[Array, Shape("N", "text")]
    component: Annotated[Array, Shape("N")]
    distance: Annotated[Array, Shape("N")]
    distance_low: Annotated[Array, Shape("N")]
    distance_high: Annotated[Array, Shape("N")]
    component_distance: Annotated[Array, Shape("N K")]
    p_value: Annotated[Array, Shape("N")]
    q_value: Annotated[Array, Shape("N")]
    epsilons: Annotated[Array, Shape("E")]
    share: Annotated[Array, Shape("E")]
    share_low: Annotated[Array, Shape("E")]
    share_high: Annotated[Array, Shape("E")]
    null_share: Mapping[str, Annotated[Array, Shape("E")]]
    null_low: Mapping[str, Annotated[Array, Shape("E")]]
    null_high: Mapping[str, Annotated[Array, Shape("E")]]
    share_p_value: Annotated[Array, Shape("E")]
    thresholds: Thresholds
    null_p_value: Mapping[str, Annotated[Array, Shape("E")]] = field(default_factory=dict)
    null_p_below: Mapping[str, Annotated[Array, Shape("E")]] = field(default_factory=dict)
    reliability: Annotated[Array, Shape("N")] | None = None
    by_class: Coherence | None = None

    @property
    def at_threshold(self) -> int:
        """Index of the curve's threshold that is nearest to the one in use, `Thresholds.epsilon`."""
        return int(np.abs(np.asarray(self.epsilons, float) - self.thresholds.epsilon).argmin())

    @property
    def classified(self) -> int:
        """Number of live nodes whose boundary was compared with clusters: those behind `share`."""
        return int(np.isfinite(self.p_value).sum())

    @property
    def counts(self) -> dict[str, int]:
        """Nodes of each kind; ``undecided`` and `UNSAMPLED` only where there are some."""
        found = {kind: int(np.sum(self.kind == kind)) for kind in (*KINDS, UNSAMPLED)}
        return {kind: count for kind, count in found.items() if count or kind not in ("undecided", UNSAMPLED)}


@dataclass(frozen=True, repr=False)
class Screening(ShortRepr):
    """Which nodes of a layer do the same, and which are saturated, over the training split.

    Attributes
    ----------
    rows
        Number of rows that the outputs were compared on, evenly among those recorded.
    twin
        Index of the other node of the layer whose outputs are most correlated with the node's own, of either sign; NaN
        of a node that hardly varies.
    correlation
        Pearson correlation of the outputs of the node and its twin, in [-1, 1]; NaN of a node without one. What follows
        a layer is linear in its outputs, so that at 1 or -1 one node can take over the other's weights.
    saturated
        Share of rows on which the output lies within 1 % of an end of the activation's range; NaN where that range has
        no ends, as of ReLU.
    alike
        Indices of several other nodes of the layer, those of the most correlated outputs first; NaN where
        there are fewer; may be empty.
    alike_correlation
        Pearson correlation of the outputs of the node and each of those; may be empty.
    """

    rows: int
    twin: Annotated[Array, Shape("N")]
    correlation: Annotated[Array, Shape("N")]
    saturated: Annotated[Array, Shape("N")]
    alike: Annotated[Array, Shape("N W", or_empty=True)] = field(default_factory=lambda: np.empty((0, 0)))
    alike_correlation: Annotated[Array, Shape("N W", or_empty=True)] = field(default_factory=lambda: np.empty((0, 0)))

"""What of a layer's outputs the decision hangs on, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from interp.types.annotations.shapes import Shape
from interp.types.arrays import Array
from interp.types.shown import ShortRepr

Leaning = Literal["distances", "intensities", "neither", "undecided"]


@dataclass(frozen=True, repr=False)
class ReadingProfile(ShortRepr):
    """Which part of its nodes' ranges of outputs a layer is read at, and how finely, beside copies of the network.

    Copies are of two kinds, ``shuffled`` (the entries of each parameter permuted, the statistics of norms kept) and
    ``fresh`` (initialised anew); what is given of them stands under the kind's name.

    Attributes
    ----------
    skipped
        Why the layer was not read; empty where it was. Of a layer that was not read all numbers are NaN.
    split
        Name of the split that the samples are from.
    samples
        Number of samples, drawn at random.
    of
        Number of samples that they were drawn from.
    logits
        Number of the network's outputs.
    balance
        S = (low - high) / (low + high) of how far margins move by noise on the lowest and on the highest fifth of each
        node's ranks, in [-1, 1]: above 0 the decision hangs on small outputs, below 0 on large ones.
    reached
        Share of the samples that got noise whose margin it moved at all.
    copied_balance
        Kind of copies -> balance of each; NaN of one most of whose decisions do not hang on the layer.
    curve
        Each tenth's share of how far margins move in all, by the rank of the output within its node; lowest first.
    flipped
        Share of predictions that noise on each tenth changes.
    curve_low, curve_high
        Kind of copies -> ends of their central 95 % of the same shares.
    cuts
        Quantiles at which every node is cut once, with the mean of each side in place of its values.
    kept_at
        Share of predictions kept by each cut, on samples that had no part in the choice of the best one.
    best_cut
        Quantile of the cut that keeps the most on the samples that choose it.
    kept
        Share of predictions that this cut keeps on the other samples.
    copied_kept
        Kind of copies -> share that each one's own best cut keeps.
    levels
        Numbers of levels of equally many values that were put in place of a node's values.
    kept_levels
        Share of predictions kept with each number of levels.
    kept_levels_low, kept_levels_high
        Kind of copies -> ends of their central 95 % of the same.
    needed
        Least number of levels from which on 95 % of predictions are kept; infinite where none of them is enough.
    copied_needed
        Kind of copies -> that number of each.
    """

    skipped: str
    split: str
    samples: int
    of: int
    logits: int
    balance: float
    reached: float
    copied_balance: Mapping[str, Annotated[Array, Shape("J")]]
    curve: Annotated[Array, Shape("A")]
    flipped: Annotated[Array, Shape("A")]
    curve_low: Mapping[str, Annotated[Array, Shape("A")]]
    curve_high: Mapping[str, Annotated[Array, Shape("A")]]
    cuts: Annotated[Array, Shape("U")]
    kept_at: Annotated[Array, Shape("U")]
    best_cut: float
    kept: float
    copied_kept: Mapping[str, Annotated[Array, Shape("H")]]
    levels: Annotated[Array, Shape("V")]
    kept_levels: Annotated[Array, Shape("V")]
    kept_levels_low: Mapping[str, Annotated[Array, Shape("V")]]
    kept_levels_high: Mapping[str, Annotated[Array, Shape("V")]]
    needed: float
    copied_needed: Mapping[str, Annotated[Array, Shape("H")]]


@dataclass(frozen=True, repr=False)
class Beside(ShortRepr):
    """A number of a network beside the same of its copies.

    Attributes
    ----------
    value
        Number of the network.
    copies
        Kind of copies -> ends of their central 95 %.
    """

    value: float
    copies: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class LayerVerdict(ShortRepr):
    """What is said of one layer.

    Attributes
    ----------
    layer
        Name of the layer.
    leaning
        Verdict on the layer: ``distances``, ``intensities``, ``neither``, or ``undecided``.
    p_value
        Two-sided rank p-value of the balance, the larger of those beside each kind of copies; NaN where not read.
    p_holm
        Rank p-value after Holm's correction for the number of layers that were read.
    copies
        Number of copies of each kind with a balance, the smaller of the two.
    statistics
        Name of a statistic -> the network's value, and its copies' central 95 %: ``balance``, ``best_cut_keeps``,
        ``levels_needed``.
    why
        Why it is undecided, in words; empty where it is not.
    """

    layer: str
    leaning: Leaning
    p_value: float
    p_holm: float
    copies: int
    statistics: Mapping[str, Beside]
    why: str = ""

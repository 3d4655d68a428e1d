"""Faults of single nodes that show in their outputs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.shapes import Shape
from interp.types.arrays import Array
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Screening(ShortRepr):
    """Which nodes of a layer do the same, and which are saturated, over the training split.

    Attributes
    ----------
    rows
        Number of rows that the outputs were compared on, evenly among those recorded.
    twin
        Index of the other node of the layer whose outputs are most correlated with the node's own, of either sign; -1
        of a node that hardly varies.
    correlation
        Pearson correlation of the outputs of the node and its twin, in [-1, 1]; NaN of a node without one. What follows
        a layer is linear in its outputs, so that at 1 or -1 one node can take over the other's weights.
    saturated
        Share of rows on which the output lies within 1 % of an end of the activation's range; NaN where that range has
        no ends, as of ReLU.
    """

    rows: int
    twin: Annotated[Array, Shape("N", "whole numbers")]
    correlation: Annotated[Array, Shape("N")]
    saturated: Annotated[Array, Shape("N")]

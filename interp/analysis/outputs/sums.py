"""Range, sum and activity of the outputs of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.analysis.outputs.narrow import count_true, reduced
from interp.types import Array
from interp.types.annotations.shapes import Shape

ACTIVE = 1e-6
"""Absolute value of an output above which a node counts as active on a row (learn-DM, arXiv 2502.02103)."""


@dataclass(frozen=True)
class OutputSums:
    """Sums over the activation outputs of N nodes.

    Attributes
    ----------
    count
        Number of rows.
    low, high
        Least and largest output of each node (N,), in the precision of the outputs.
    total
        Sum of each node's outputs (N,), float64.
    active
        Number of rows on which the absolute value of each node's output exceeds 1e-6 (N,), whole numbers.
    """

    count: int
    low: Annotated[Array, Shape("N")]
    high: Annotated[Array, Shape("N")]
    total: Annotated[Array, Shape("N")]
    active: Annotated[Array, Shape("N", "whole numbers")]

    @staticmethod
    def of(block: Array) -> OutputSums:
        """Take the sums over one block.

        Parameters
        ----------
        block
            Outputs of the activation (rows, N), at least one row.
        """
        low, high, active = reduced(np.minimum, block), reduced(np.maximum, block), count_true(block > ACTIVE)
        if not (low >= -ACTIVE).all():  # NaN is neither; a ReLU's outputs need no second look
            active = active + count_true(block < -ACTIVE)
        return OutputSums(len(block), low, high, block.sum(axis=0, dtype=np.float64), active)

    def merge(self, other: OutputSums) -> OutputSums:
        """Combine the sums over two sets of rows.

        Parameters
        ----------
        other
            Sums over the outputs of the same nodes on other rows.
        """
        return OutputSums(
            self.count + other.count,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.total + other.total,
            self.active + other.active,
        )

    @property
    def mean(self) -> Array:
        """Mean output of each node (N,), float64."""
        return np.asarray(self.total / self.count)

    @property
    def active_share(self) -> Array:
        """Share of rows on which each node is active (N,)."""
        return np.asarray(self.active / self.count)

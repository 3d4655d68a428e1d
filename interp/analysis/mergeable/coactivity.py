"""How often two nodes of a layer are active on the same row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.types import Array
from interp.types.annotations.shapes import Shape


@dataclass(frozen=True)
class Coactivity:
    """Rows on which each pair of nodes is active; on the diagonal those of each node.

    Attributes
    ----------
    count
        Number of rows.
    together
        Rows on which both nodes are active (N, N), whole numbers.
    """

    count: int
    together: Annotated[Array, Shape("N N", "whole numbers")]

    @staticmethod
    def of(active: Array) -> Coactivity:
        """Count the rows of one block.

        Parameters
        ----------
        active
            Whether each node is active on each row (rows, N).
        """
        table = np.asarray(active, np.float64)  # sums of ones are exact, and products of matrices quicker than of bits
        return Coactivity(len(table), (table.T @ table).astype(np.int64))

    def merge(self, other: Coactivity) -> Coactivity:
        """Combine the counts of two sets of rows.

        Parameters
        ----------
        other
            Counts of the same nodes over other rows.
        """
        return Coactivity(self.count + other.count, self.together + other.together)

    @property
    def jaccard(self) -> Array:
        """Rows with both nodes active among those with one of them (N, N); 0 where there are none."""
        own = np.diag(self.together)
        either = own[:, None] + own - self.together
        return np.asarray(self.together / np.maximum(either, 1))

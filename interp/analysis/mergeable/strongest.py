"""The rows that each node gives its largest values for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.types import Array
from interp.types.annotations.shapes import Shape


@dataclass(frozen=True)
class Strongest:
    """Largest values of each node with the samples that they are of; of equal values the sample of lower index first.

    Attributes
    ----------
    kept
        Largest number of values of a node that are kept, T.
    values
        Values, the largest first (T, N); fewer where there are fewer rows.
    samples
        Index of the sample that each value is of (T, N).
    """

    kept: int
    values: Annotated[Array, Shape("T N")]
    samples: Annotated[Array, Shape("T N", "whole numbers")]

    @staticmethod
    def of(z: Array, samples: Array, kept: int) -> Strongest:
        """Take the largest values of one block.

        Parameters
        ----------
        z
            Values of the nodes (rows, N); those with their sign changed for the smallest.
        samples
            Index of the sample that each row is of (rows,).
        kept
            Largest number of values of a node that are kept, T.
        """
        table = np.asarray(z)
        return _sorted(kept, table, np.broadcast_to(np.asarray(samples)[:, None], table.shape))

    def merge(self, other: Strongest) -> Strongest:
        """Combine the largest values of two sets of rows.

        Parameters
        ----------
        other
            Largest values of the same nodes over other rows.
        """
        values, samples = (
            np.concatenate(pair) for pair in ((self.values, other.values), (self.samples, other.samples))
        )
        return _sorted(self.kept, values, samples)


def _sorted(kept: int, values: Array, samples: Array) -> Strongest:
    values, samples = _candidates(kept, values, samples)
    order = np.lexsort((samples, -values), axis=0)[:kept]
    return Strongest(kept, np.take_along_axis(values, order, axis=0), np.take_along_axis(samples, order, axis=0))


def _candidates(kept: int, values: Array, samples: Array) -> tuple[Array, Array]:
    """Leave out rows that cannot be among the strongest, as far as no two of equal values are told apart by that."""
    if len(values) <= 4 * kept:
        return values, samples
    order = np.argpartition(-values, 2 * kept, axis=0)[: 2 * kept + 1]
    found = np.take_along_axis(values, order, axis=0)
    border = found.min(axis=0)
    if ((found > border).sum(axis=0) < kept).any():  # values that are equal reach beyond those chosen
        return values, samples
    return found, np.take_along_axis(samples, order, axis=0)

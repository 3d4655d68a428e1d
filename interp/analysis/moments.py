"""Moments in float64, merged block by block: Chan, Golub and LeVeque (1979), Pébay (2008)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.types import Array
from interp.types.annotations.shapes import Shape


@dataclass(frozen=True)
class Moments:
    """Count, mean and sums of powers of deviations of N columns.

    Attributes
    ----------
    count
        Number of rows.
    mean
        Mean of each column (N,).
    m2, m3, m4
        Sums of (z - mean)^2, (z - mean)^3 and (z - mean)^4 over the rows (N,).
    minimum, maximum
        Least and largest value of each column (N,).
    """

    count: int
    mean: Annotated[Array, Shape("N")]
    m2: Annotated[Array, Shape("N")]
    m3: Annotated[Array, Shape("N")]
    m4: Annotated[Array, Shape("N")]
    minimum: Annotated[Array, Shape("N")]
    maximum: Annotated[Array, Shape("N")]

    @staticmethod
    def of(block: Array) -> Moments:
        """Take the moments of one block, in two passes.

        Deviations are taken from the first row, so that the variance of a constant column is exactly 0.

        Parameters
        ----------
        block
            Values (rows, N), at least one row.
        """
        z = np.asarray(block, np.float64)
        centred = z - z[0]
        offset = centred.mean(axis=0)
        centred -= offset
        squares = centred * centred
        return Moments(
            len(z),
            z[0] + offset,
            squares.sum(axis=0),
            (squares * centred).sum(axis=0),
            (squares * squares).sum(axis=0),
            z.min(axis=0),
            z.max(axis=0),
        )

    def merge(self, other: Moments) -> Moments:
        """Combine the moments of two sets of rows (Pébay 2008, eqs. 2.1 and 3.1)."""
        n_a, n_b, n = self.count, other.count, self.count + other.count
        delta = other.mean - self.mean
        step = delta / n
        m2 = self.m2 + other.m2 + delta * step * n_a * n_b
        m3 = self.m3 + other.m3 + delta * step**2 * n_a * n_b * (n_a - n_b)
        m3 += 3 * step * (n_a * other.m2 - n_b * self.m2)
        m4 = self.m4 + other.m4 + delta * step**3 * n_a * n_b * (n_a**2 - n_a * n_b + n_b**2)
        m4 += 6 * step**2 * (n_a**2 * other.m2 + n_b**2 * self.m2) + 4 * step * (n_a * other.m3 - n_b * self.m3)
        return Moments(
            n,
            self.mean + step * n_b,
            m2,
            m3,
            m4,
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )

    @property
    def var(self) -> Array:
        """Variance of each column, the sum of squares divided by `count` (N,)."""
        return np.asarray(self.m2 / self.count)

    @property
    def skewness(self) -> Array:
        """Third standardised moment of each column (N,); 0 for a constant."""
        spread = np.where(self.m2 > 0, self.m2, 1)
        return np.asarray(np.sqrt(self.count) * self.m3 / spread**1.5)

    @property
    def kurtosis(self) -> Array:
        """Excess kurtosis of each column (N,); 0 for a Gaussian, and for a constant."""
        spread = np.where(self.m2 > 0, self.m2, 1)
        return np.asarray(np.where(self.m2 > 0, self.count * self.m4 / spread**2 - 3, 0.0))


def moments(blocks: Iterable[Array]) -> Moments:
    """Take the moments of rows that come in blocks.

    Parameters
    ----------
    blocks
        Values, (rows, N) each; at least one row in all.

    Returns
    -------
    Moments
        Moments of all rows together.

    Examples
    --------
    >>> moments([np.array([[1.0], [2.0]]), np.array([[6.0]])]).mean
    array([3.])
    """
    total: Moments | None = None
    for block in blocks:
        if len(block):
            part = Moments.of(block)
            total = part if total is None else total.merge(part)
    assert total is not None, "moments of no rows"
    return total

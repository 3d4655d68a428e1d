"""Histograms of values whose range is not known beforehand, and their quantiles.

The edges of a node's bins are multiples of a power of two, the least one with which all values fit in the bins. As
values come in, the power grows and two bins become one, exactly; so what is found at the end depends on the values
alone, and counts merge to the same whole numbers in any order and grouping. Those of sketches that are usual for
quantiles (t-digest, KLL) do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.types import Array
from interp.types.annotations.shapes import Shape

BINS = 1024
"""Number of bins: at least half of them lie between the least and the largest value, where these differ."""

DIGITS = 52
"""Number of binary digits of an index of a bin, as many as a float64 holds exactly."""

LEAST = -1000
"""Least power of two of a bin's width."""


@dataclass(frozen=True)
class DyadicHistogram:
    """Counts of each node's values in bins whose edges are multiples of 2**power.

    Attributes
    ----------
    minimum, maximum
        Least and largest value of each node (N,).
    power
        Binary logarithm of the width of each node's bins (N,), whole numbers.
    first
        Lower edge of each node's first bin, in widths of a bin (N,), whole numbers.
    counts
        Values in each bin (N, B), whole numbers.
    """

    minimum: Annotated[Array, Shape("N")]
    maximum: Annotated[Array, Shape("N")]
    power: Annotated[Array, Shape("N", "whole numbers")]
    first: Annotated[Array, Shape("N", "whole numbers")]
    counts: Annotated[Array, Shape("N B", "whole numbers")]

    @staticmethod
    def of(block: Array, bins: int = BINS) -> DyadicHistogram:
        """Count the values of one block.

        Parameters
        ----------
        block
            Finite values (rows, N), at least one row.
        bins
            Number of bins, B.
        """
        z = np.asarray(block, np.float64)
        minimum, maximum = z.min(axis=0), z.max(axis=0)
        power = _least_power(minimum, maximum, bins)
        first = _index(minimum, power)
        place = _index(z, power) - first
        return DyadicHistogram(minimum, maximum, power, first, _counted(place.T, None, bins))

    def merge(self, other: DyadicHistogram) -> DyadicHistogram:
        """Combine the counts of two sets of rows, of as many bins.

        Parameters
        ----------
        other
            Histograms of the same nodes over other rows.
        """
        bins = self.counts.shape[1]
        minimum, maximum = np.minimum(self.minimum, other.minimum), np.maximum(self.maximum, other.maximum)
        power = _least_power(minimum, maximum, bins)
        first = _index(minimum, power)
        counts = self._within(power, first) + other._within(power, first)
        return DyadicHistogram(minimum, maximum, power, first, counts)

    def _within(self, power: Array, first: Array) -> Array:
        """Give the counts in wider bins, (N, B)."""
        bins = self.counts.shape[1]
        wider = np.minimum(power - self.power, 63)[:, None]  # a shift by more gives the same, and is undefined
        place = ((self.first[:, None] + np.arange(bins)) >> wider) - first[:, None]
        return _counted(np.clip(place, 0, bins - 1), self.counts, bins)  # bins without values may lie outside

    def between(self, low: Array, high: Array, bins: int) -> Array:
        """Give the counts in bins of equal width between two values of each node, linear within a bin of these.

        Parameters
        ----------
        low, high
            Least and largest value of each node (N,), between which all its values lie.
        bins
            Number of bins, B.

        Returns
        -------
        Array
            Values in each bin (N, B), whole numbers with the same sum.
        """
        own = np.ldexp(self.first[:, None] + np.arange(self.counts.shape[1] + 1.0), self.power[:, None])
        up_to = np.concatenate([np.zeros((len(own), 1)), self.counts.cumsum(axis=1)], axis=1)
        edges = low[:, None] + (high - low)[:, None] * np.arange(bins + 1) / bins
        found = np.stack([np.interp(*each) for each in zip(edges, own, up_to, strict=True)])
        found[:, 0], found[:, -1] = 0, up_to[:, -1]
        return np.diff(np.rint(found).astype(np.int64), axis=1)

    def quantile(self, share: float) -> Array:
        """Give a quantile of each node's values, to the width of a bin.

        Parameters
        ----------
        share
            Share of values below it, 0 to 1.

        Returns
        -------
        Array
            Quantiles (N,), linear within a bin.
        """
        cumulative = self.counts.cumsum(axis=1)
        wanted = share * cumulative[:, -1]
        place = np.minimum((cumulative < wanted[:, None]).sum(axis=1), self.counts.shape[1] - 1)
        nodes = np.arange(len(self.counts))
        inside = self.counts[nodes, place]
        part = (wanted - (cumulative[nodes, place] - inside)) / np.maximum(inside, 1)
        value = np.ldexp(self.first + place + part, self.power)
        return np.asarray(np.clip(value, self.minimum, self.maximum))


def _least_power(minimum: Array, maximum: Array, bins: int) -> Array:
    """Give the least power of two of a width with which all values lie in so many bins, (N,)."""
    largest = np.maximum(np.abs(minimum), np.abs(maximum))
    exact = np.where(largest > 0, np.frexp(largest)[1] - DIGITS, LEAST)
    apart = maximum - minimum
    spread = np.where(apart > 0, np.frexp(apart / bins)[1] - 2, LEAST)  # too narrow by a factor of two at least
    power = np.maximum(np.maximum(spread, exact), LEAST)
    while (wide := _index(maximum, power) - _index(minimum, power) >= bins).any():
        power = power + wide
    return np.asarray(power, np.int64)


def _index(values: Array, power: Array) -> Array:
    """Give the bin that values lie in, counted from 0 in widths of 2**power; exact."""
    return np.floor(np.ldexp(values, -power)).astype(np.int64)


def _counted(place: Array, weights: Array | None, bins: int) -> Array:
    """Sum whole numbers by node and bin, (N, B); None counts."""
    flat = (place + bins * np.arange(len(place))[:, None]).ravel()
    sums = np.bincount(flat, None if weights is None else weights.ravel(), minlength=bins * len(place))
    return np.asarray(sums.reshape(len(place), bins), np.int64)

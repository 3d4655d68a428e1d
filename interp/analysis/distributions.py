"""How many of a node's rows lie between two values, from its histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp.types import Array, GaussianFit


@dataclass(frozen=True)
class Distribution:
    """Distribution functions of N nodes, linear between B + 1 equally spaced edges.

    Attributes
    ----------
    low, high
        First and last edge (N,).
    cumulative
        Rows, or their share, up to each edge (N, B + 1).
    """

    low: Array
    high: Array
    cumulative: Array

    @staticmethod
    def of(low: Array, high: Array, counts: Array) -> Distribution:
        """Sum the counts of bins.

        Parameters
        ----------
        low, high
            First and last edge (N,).
        counts
            Rows in each bin (N, B).
        """
        nothing = np.zeros((len(counts), 1))
        return Distribution(low, high, np.concatenate([nothing, np.cumsum(counts, axis=1)], axis=1))

    @staticmethod
    def of_fit(fit: GaussianFit) -> Distribution:
        """Give the shares of a layer's rows."""
        rows = Distribution.of(fit.minimum, fit.maximum, fit.histogram)
        return Distribution(rows.low, rows.high, rows.cumulative / fit.count)

    @staticmethod
    def uniform(low: float, high: float, nodes: int) -> Distribution:
        """Give the uniform distribution between two values to every node."""
        edges = np.full((2, nodes), [[low], [high]])
        return Distribution(edges[0], edges[1], np.repeat([[0.0, 1.0]], nodes, axis=0))

    def of_nodes(self, nodes: Array | slice) -> Distribution:
        """Give those of some nodes alone."""
        return Distribution(self.low[nodes], self.high[nodes], self.cumulative[nodes])

    def within(self, start: Array, stop: Array) -> Array:
        """Give what lies between two values of each node; nothing where the second comes first.

        Parameters
        ----------
        start, stop
            Values (N, ...).

        Examples
        --------
        >>> Distribution.uniform(0.0, 4.0, 1).within(np.array([1.0]), np.array([2.0]))
        array([0.25])
        """
        return np.asarray(np.maximum(self._up_to(stop) - self._up_to(start), 0))

    def _up_to(self, value: Array) -> Array:
        shape = (-1, *(1 for _ in value.shape[1:]))
        width = np.where(self.high > self.low, self.high - self.low, 1).reshape(shape)
        bins = self.cumulative.shape[1] - 1
        at = np.clip((value - self.low.reshape(shape)) / width, 0, 1) * bins
        left = np.minimum(at.astype(np.int64), bins - 1)
        node = np.arange(len(value)).reshape(shape)
        first, second = self.cumulative[node, left], self.cumulative[node, left + 1]
        return np.asarray(first + (at - left) * (second - first))

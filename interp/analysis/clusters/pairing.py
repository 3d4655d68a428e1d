"""Points paired with centroids at the least total distance (Hungarian method; Kuhn 1955)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from interp.types import Array


class Pairs(NamedTuple):
    """Points and centroids that belong together, M of each.

    Attributes
    ----------
    point, centroid
        Indices of the points and of their centroids (M,).
    distance
        Euclidean distance of each pair (M,).
    """

    point: Array
    centroid: Array
    distance: Array


class Targets:
    """Sets of centroids that many sets of points are paired with.

    Which belong together is read off products of matrices, which is quicker than differences and rounds at about 1e-15
    of the squared scatter; the distances of the pairs themselves are those of the differences.

    Parameters
    ----------
    sets
        Sets of centroids (k, D), of one width.

    Examples
    --------
    >>> Targets([np.array([[10.0], [0.5]])]).pairs(np.array([[0.0], [9.0]]))[0].centroid
    array([1, 0])
    """

    def __init__(self, sets: Sequence[Array]) -> None:
        self.sets = [np.asarray(each, np.float64) for each in sets]
        together = np.concatenate(self.sets)
        self._middle = together.mean(axis=0)  # about which least is lost to rounding
        centred = together - self._middle
        self._columns, self._squares = centred.T.copy(), (centred**2).sum(axis=1)
        self._cuts = np.cumsum([len(each) for each in self.sets])[:-1]

    def pairs(self, points: Array) -> list[Pairs]:
        """Pair points (N, D) without NaN with the centroids of each set."""
        points = np.asarray(points, np.float64)
        centred = points - self._middle
        squares = (centred**2).sum(axis=1)[:, None] + self._squares - 2 * (centred @ self._columns)
        costs = np.split(np.sqrt(np.maximum(squares, 0)), self._cuts, axis=1)
        return [_paired(points, centroids, cost) for centroids, cost in zip(self.sets, costs, strict=True)]

    def mean_distances(self, points: Array) -> list[float]:
        """Give the mean distance of the pairs for each set; NaN where no point is finite. Other points are left out."""
        known = points[np.isfinite(points).all(axis=1)]
        if not len(known):
            return [float("nan")] * len(self.sets)
        return [float(pairs.distance.mean()) for pairs in self.pairs(known)]


def _paired(points: Array, centroids: Array, cost: Array) -> Pairs:
    row, column = scipy.optimize.linear_sum_assignment(cost)
    gaps = points[row] - centroids[column]
    gaps *= gaps
    return Pairs(row, column, np.sqrt(gaps.sum(axis=1)))

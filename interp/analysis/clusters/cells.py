"""Rows that are nearest to each of some points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.types import Array, LabelledInputs


def nearest(inputs: Array, points: Array) -> Array:
    """Find the nearest point of each row by Euclidean distance.

    Parameters
    ----------
    inputs
        Rows (S, D).
    points
        Points (k, D).

    Returns
    -------
    Array
        Index of the nearest point of each row (S,).

    Examples
    --------
    >>> nearest(np.array([[0.0], [3.0]]), np.array([[4.0], [1.0]]))
    array([1, 0])
    """
    points = np.asarray(points, np.float32)
    inputs = np.asarray(inputs, np.float32)
    return np.asarray(((points**2).sum(axis=1) / 2 - inputs @ points.T).argmin(axis=1))


class Cells(NamedTuple):
    """Rows that are nearest to each of some points.

    Attributes
    ----------
    points
        Points (k, D).
    fitted
        Index of the nearest point of each row that k-means was fitted to, (S,).
    test
        Index of the nearest point of each row that classifiers are measured on, (T,); empty without labels.
    """

    points: Array
    fitted: Array
    test: Array

    @staticmethod
    def of(fitted: LabelledInputs, test: LabelledInputs, points: Array) -> Cells:
        """Find the nearest point of each row; of test rows only where there is something to measure on them."""
        is_measured = fitted.labels is not None and test.labels is not None
        there = nearest(test.inputs, points) if is_measured else np.empty(0, np.int64)
        return Cells(points, nearest(fitted.inputs, points), there)

"""Few rows of many values in coordinates of their own span: the same distances from a fraction of the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp.analysis.threads import unthreaded
from interp.types import Array

MOST_ROWS = 1000
"""Largest number of rows: the basis of more takes longer than it saves."""


def is_thin(rows: Array) -> bool:
    """Whether rows (S, D) are so few beside their values that coordinates of their span pay."""
    return len(rows) <= MOST_ROWS and 2 * len(rows) <= rows.shape[1]


def in_span(rows: Array, points: Sequence[Array]) -> tuple[Array, list[Array]]:
    """Give rows, and points beside them, in an orthonormal basis of the rows' span.

    Parameters
    ----------
    rows
        Rows (S, D), fewer than their values.
    points
        Sets of points (k, D) anywhere.

    Returns
    -------
    rows
        Coordinates of the rows (S, S + 1), of the type of the rows; the last is 0.
    points
        Coordinates of each set (k, S + 1), float64; the last is the distance from the span.

    Examples
    --------
    >>> rows, (point,) = in_span(np.array([[3.0, 4.0, 0.0]]), [np.array([[3.0, 4.0, 2.0]])])
    >>> np.abs(rows).round(9), np.abs(point).round(9)
    (array([[5., 0.]]), array([[5., 2.]]))
    """
    with unthreaded():  # the last digits are those of one thread
        basis, coordinates = np.linalg.qr(rows.T.astype(np.float64))
        placed = [_beside(basis, np.asarray(each, np.float64)) for each in points]
    return np.column_stack([coordinates.T, np.zeros(len(rows))]).astype(rows.dtype), placed


def _beside(basis: Array, points: Array) -> Array:
    inside = points @ basis
    rest = points - inside @ basis.T
    return np.column_stack([inside, np.sqrt((rest**2).sum(axis=1))])

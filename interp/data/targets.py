"""Targets as a file holds them -> class indices, several labels, or measured values."""

from __future__ import annotations

import numpy as np

from interp.errors import DataError
from interp.types import Array

MOST_CLASSES = 1000
"""Smallest whole number that makes targets measured values, and no class indices."""

SIGNS = (-1, 1)
"""Targets that are labels of two classes to a network that tells classes apart."""


def read_targets(where: str, values: Array, rows: int) -> tuple[Array | None, Array | None]:
    """Tell class indices, several labels and measured values apart, by type, shape and values.

    Parameters
    ----------
    where
        Name of the data in errors.
    values
        Targets (S,) or (S, ...), one entry for each row of inputs.
    rows
        Number of rows of inputs, S.

    Returns
    -------
    labels
        Class indices (S,), int64 from 0: whole numbers of one column, or the columns of the ones of one-hot rows; None
        for other targets.
    targets
        Targets (S, T): uint8 where they are zeros and ones with several labels in some row, float64 where they are
        measured values; None for class indices.

    Raises
    ------
    DataError
        If their number is not that of the inputs, a value is missing, or some are whole numbers below 0, unless all are
        -1 and 1: those are measured values here, and labels of two classes to a network that tells classes apart.

    Examples
    --------
    >>> read_targets("y", np.array([[1, 0], [0, 1], [0, 1]]), 3)
    (array([0, 1, 1]), None)
    >>> read_targets("y", np.array([0.5, 1.25]), 2)
    (None, array([[0.5 ],
           [1.25]]))
    """
    if values.ndim == 0 or (len(values) and not values.size):
        found = f"labels {values}" if values.ndim == 0 else f"labels of shape {values.shape}"
        raise DataError(where, found=found, expected=f"{rows}, one an input", do="give an array of them")
    if len(values) != rows:
        raise DataError(where, found=f"{len(values)} labels", expected=f"{rows}, one an input", do="make them match")
    if values.dtype.kind not in "biuf":
        raise DataError(
            where, found=f"labels of type {values.dtype}", expected="numbers", do="encode classes as 0, 1, 2, ..."
        )
    table = values.reshape(rows, -1)
    usable = np.isfinite(table).all(axis=1)
    if not usable.all():
        row = int(np.flatnonzero(~usable)[0])
        raise DataError(where, found=f"no label in row {row}", expected="a label in every row", do="drop such rows")
    if table.shape[1] > 1:
        return _columns(table)
    labels = _class_indices(where, table[:, 0])
    return (labels, None) if labels is not None else (None, table.astype(np.float64))


def _columns(table: Array) -> tuple[Array | None, Array | None]:
    """Tell one-hot rows, several labels and several measured values apart."""
    if not np.isin(table, (0, 1)).all():
        return None, table.astype(np.float64)
    if (table.sum(axis=1) == 1).all():
        return table.argmax(axis=1), None
    return None, table.astype(np.uint8)


def _class_indices(where: str, values: Array) -> Array | None:
    """Give whole numbers from 0 as int64; None for measured values."""
    wide = values.astype(np.float32) if values.dtype == np.float16 else values  # which cannot hold the bounds
    whole: Array = np.clip(wide, -(2**53), 2**53).astype(np.int64, copy=False)
    if not np.array_equal(whole, values) or whole.max() >= MOST_CLASSES:
        return None
    if whole.min() >= 0:
        return whole
    if values.dtype.kind == "f" or np.isin(values, SIGNS).all():
        return None
    raise DataError(where, found=f"label {whole.min()}", expected="labels from 0", do="encode them as 0, 1, 2, ...")

"""Names of array types in signatures, and checks of arrays that a user gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from interp.errors import DataError, first_line
from interp.types.annotations.frames import pd

Array = npt.NDArray[Any]


class Rows(Protocol):
    """A table of samples read a slice at a time: a numpy array or an HDF5 dataset."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, then columns."""

    def __getitem__(self, rows: Any, /) -> Any:
        """Read some rows."""


def picked(rows: Any, count: int, read: Callable[[Array], Array]) -> Any:
    """Give rows of a table by their numbers, as numpy would, where it is read in ascending order alone.

    Parameters
    ----------
    rows
        Numbers of the rows, in any order, from the end where they are negative; one number; or a mask (L,).
    count
        Number of the rows of the table, L.
    read
        Function from numbers that increase, (P,), to these rows, (P, ...).

    Returns
    -------
    Array
        Rows in the order that was asked for, (B, ...), each read once; without the first axis where one was asked for.

    Raises
    ------
    IndexError
        If there is no such row.

    Examples
    --------
    >>> table = np.arange(8).reshape(4, 2)
    >>> picked([3, 0, -1], 4, table.__getitem__).tolist(), picked(1, 4, table.__getitem__).tolist()
    ([[6, 7], [0, 1], [6, 7]], [2, 3])
    """
    wanted = np.arange(count)[rows]
    chosen, back = np.unique(np.atleast_1d(wanted), return_inverse=True)
    found = read(chosen)[back.ravel()]
    return found if np.ndim(wanted) else found[0]


def as_rows(where: str, values: Any, columns: int | None = None) -> Any:
    """Give a table of numbers (S, N) that a user gave: what is read a slice at a time as it is, lists as an array.

    Parameters
    ----------
    where
        Name of the table in errors.
    values
        Array, HDF5 dataset, list of rows, or tensor on the CPU.
    columns
        Number of columns that it must have; None for any.

    Returns
    -------
    array-like
        Table (S, N) of numbers: the same object where it can be read a slice at a time, else a numpy array.

    Raises
    ------
    DataError
        If the values are no such table, or empty.

    Examples
    --------
    >>> as_rows("z", [[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_rows("z", [1, 2])
    Traceback (most recent call last):
    interp.errors.DataError: z: found int64 of shape (2,); expected a table (rows, columns); give one row a sample
    """
    table = _read(where, values)
    fits = len(table.shape) == 2 and 0 not in table.shape and table.dtype.kind in "biuf"
    if not fits or columns not in (None, table.shape[1]):
        of_numbers = "" if table.dtype.kind in "biuf" else " of numbers"
        wanted = "columns" if columns is None else f"{columns:,} columns"
        raise DataError(
            where,
            found=f"{table.dtype} of shape {tuple(table.shape)}",
            expected=f"a table{of_numbers} (rows, {wanted})",
            do="give one row a sample",
        )
    return table


def as_column(where: str, values: Any, rows: int | None, kinds: str = "biuf") -> Array:
    """Give one number a row, (S,), of what a user gave.

    Parameters
    ----------
    where
        Name of the numbers in errors.
    values
        Array, list, or tensor on the CPU.
    rows
        Number of rows, S; None for any but none.
    kinds
        Letters of numpy's kinds of types that are allowed.

    Returns
    -------
    Array
        Numbers, (S,).

    Raises
    ------
    DataError
        If there are more or fewer than `rows`, or they are of another kind.

    Examples
    --------
    >>> as_column("labels", [0, 1], 2, "iu")
    array([0, 1])
    """
    column = np.asarray(_read(where, values))
    fits = column.shape == (rows,) if rows is not None else column.ndim == 1 and len(column) > 0
    if not fits or column.dtype.kind not in kinds:
        kind = {"iu": "whole numbers", "biuf": "numbers"}.get(kinds, "values")
        raise DataError(
            where,
            found=f"{column.dtype} of shape {column.shape}",
            expected=kind if rows is None else f"{rows:,} {kind}",
            do="give an array with one of them for each",
        )
    return column


def as_indices(values: Array) -> pd.arrays.IntegerArray:
    """Give indices as whole numbers, those that are NaN as missing.

    Parameters
    ----------
    values
        Indices (N,), whole numbers or NaN.

    Returns
    -------
    IntegerArray
        Indices (N,), <NA> where there is none.

    Examples
    --------
    >>> as_indices(np.array([2.0, np.nan])).tolist()
    [2, <NA>]
    """
    is_missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.where(is_missing, 0, values).astype(np.int64), is_missing)


def _read(where: str, values: Any) -> Any:
    if isinstance(getattr(values, "dtype", None), np.dtype) and hasattr(values, "shape"):
        return values
    try:
        return np.asarray(values)
    except Exception as error:  # ragged lists, tensors with a gradient or on a device
        raise DataError(
            where, found=first_line(error), expected="numbers of one shape", do="give a numpy array"
        ) from error

"""Reductions of long tables of few columns to one row, in which the order of the rows is all the same.

numpy reduces such a table a row at a time, at a cost for each row that is many times that of its numbers. Rows that
are laid beside each other, which is a view, are reduced as one row; least values, largest ones and counts are exact.
"""

from __future__ import annotations

import numpy as np

from interp.types import Array

WIDTH = 2048
"""Number of columns up to which rows are laid beside each other."""

MOST_COUNTED = 255
"""Largest number that a byte counts to."""


def reduced(function: np.ufunc, block: Array) -> Array:
    """Reduce the rows of a table to one row.

    Parameters
    ----------
    function
        `numpy.minimum` or `numpy.maximum`.
    block
        Numbers (L, N), at least one row.

    Returns
    -------
    Array
        Least or largest number of each column (N,); NaN where there is one.

    Examples
    --------
    >>> reduced(np.minimum, np.array([[3, 4], [5, 2], [9, 9]]))
    array([3, 2])
    """
    beside, rest = _beside(block)
    few = function.reduce(beside, axis=0).reshape(-1, block.shape[1])
    return np.asarray(function.reduce(np.concatenate([few, rest]), axis=0))


def count_true(flags: Array) -> Array:
    """Count the rows on which each column is true.

    Parameters
    ----------
    flags
        Truth values (L, N), at least one row.

    Returns
    -------
    Array
        Number of rows (N,).

    Examples
    --------
    >>> count_true(np.array([[True, False], [True, True], [False, False]]))
    array([2, 1])
    """
    beside, rest = _beside(flags)
    found = rest.sum(axis=0)
    for start in range(0, len(beside), MOST_COUNTED):
        some = beside[start : start + MOST_COUNTED]
        found += some.sum(axis=0, dtype=np.uint8).reshape(-1, flags.shape[1]).sum(axis=0, dtype=np.int64)
    return np.asarray(found)


def _beside(block: Array) -> tuple[Array, Array]:
    """Give a table with k rows in each of its own (L // k, k * N), and the rows that are left over (L % k, N)."""
    rows, nodes = block.shape
    k = max(1, min(rows, WIDTH // nodes))
    whole = rows - rows % k
    return block[:whole].reshape(-1, k * nodes), block[whole:]

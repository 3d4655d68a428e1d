"""Reductions of long tables of few columns to one row, in which the order of the rows is all the same.

numpy reduces such a table a row at a time, at a cost for each row that is many times that of its numbers. Rows that
are laid beside each other, which is a view, are reduced as one row; least values, largest ones and counts are exact.
Which of 0.0 and -0.0 is the larger, numpy leaves to the order: it reduces where that could show.
"""

from __future__ import annotations

import numpy as np

from interp.types import Array

WIDTH = 2048
"""Number of columns up to which rows are laid beside each other."""

NARROW = 64
"""Number of columns up to which least and largest numbers are found so; beyond, to look for -0.0 costs what is won."""

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
        Least or largest number of each column (N,), the same to the last bit as `function.reduce` gives; NaN where
        there is one.

    Examples
    --------
    >>> reduced(np.minimum, np.array([[3, 4], [5, 2], [9, 9]]))
    array([3, 2])
    """
    if block.shape[1] > NARROW:
        return np.asarray(function.reduce(block, axis=0))
    beside, rest = _beside(block)
    few = function.reduce(beside, axis=0).reshape(-1, block.shape[1])
    found = np.asarray(function.reduce(np.concatenate([few, rest]), axis=0))
    return np.asarray(function.reduce(block, axis=0)) if _hangs_on_order(found, block) else found


def _hangs_on_order(found: Array, block: Array) -> bool:
    """Tell whether the bits of a least or largest number may hang on the order: NaNs, or zeros of both signs."""
    if np.isnan(found).any():
        return True
    return block.dtype.kind == "f" and bool((found == 0).any() and np.signbit(block).any())


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

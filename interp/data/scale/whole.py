"""What scalings ask of all inputs: extremes, and means and standard deviations, of inputs in memory or on disk.

Those in memory are asked at once, those on disk a block at a time and in the same order, so that the columns' numbers
are the same to the last bit (but for a table of a single column, where the sums of those in memory are taken in pairs).
"""

from __future__ import annotations

import numpy as np

from interp.streams import RowsOnDisk, row_blocks
from interp.types import Array


def extremes(inputs: Array) -> tuple[float, float]:
    """Give the least and the largest value.

    Parameters
    ----------
    inputs
        Inputs (S, D).
    """
    if not isinstance(inputs, RowsOnDisk):
        return float(inputs.min()), float(inputs.max())
    parts = [(block.min(), block.max()) for block in row_blocks(inputs)]
    return float(min(low for low, _ in parts)), float(max(high for _, high in parts))


def column_moments(inputs: Array) -> tuple[Array, Array]:
    """Give mean and standard deviation of each column, in double precision.

    Parameters
    ----------
    inputs
        Inputs (S, D).
    """
    if not isinstance(inputs, RowsOnDisk):
        return inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    total, squares = np.zeros(inputs.shape[1]), np.zeros(inputs.shape[1])
    for block in row_blocks(inputs):
        total = _added(total, block.astype(np.float64))
    mean = total / len(inputs)
    for block in row_blocks(inputs):
        apart = block - mean
        squares = _added(squares, apart * apart)
    return mean, np.sqrt(squares / len(inputs))


def binary_columns(inputs: Array) -> Array:
    """Tell of each column whether it holds 0 and 1 alone, and both, (D,) bool.

    Parameters
    ----------
    inputs
        Inputs (S, D).

    Examples
    --------
    >>> binary_columns(np.array([[0.0, 1.0, 0.0], [1.0, 2.0, 0.0]])).tolist()
    [True, False, False]
    """
    found, zeros, ones = np.ones(inputs.shape[1], bool), *np.zeros((2, inputs.shape[1]), bool)
    for block in row_blocks(inputs):
        is_zero, is_one = block == 0, block == 1
        found &= (is_zero | is_one).all(axis=0)
        if not found.any():
            break
        zeros |= is_zero.any(axis=0)
        ones |= is_one.any(axis=0)
    return found & zeros & ones


def _added(total: Array, block: Array) -> Array:
    """Add rows to a sum one after the other, as the sum over the rows of a whole table does."""
    return np.asarray(np.concatenate([total[None], block]).sum(axis=0))


def moments_of_all(mean: Array, std: Array) -> tuple[float, float]:
    """Give mean and standard deviation of the values of several columns together.

    Parameters
    ----------
    mean, std
        Means and standard deviations of the columns (D,), of as many values each.
    """
    overall = float(mean.mean())
    return overall, float(np.sqrt(np.mean(std**2 + (mean - overall) ** 2)))

"""Arrays, tensors, lists and columns of tables -> a numpy array."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import DataError, first_line
from interp.streams import RowsOnDisk
from interp.types import Array

HALF = (torch.bfloat16, torch.float16)
"""Types of tensors that are converted to single precision: numpy has no bfloat16."""


def as_array(where: str, values: Any) -> Array:
    """Give numbers as a numpy array: arrays as they are, tensors from any device, lists, columns of a table.

    Parameters
    ----------
    where
        Name of the values in errors.
    values
        Anything that numpy reads as an array, a tensor, or a list of tensors of one shape.

    Returns
    -------
    Array
        Values as an array; halves (float16, bfloat16) of tensors as float32.

    Raises
    ------
    DataError
        If rows differ in length, or some values are no numbers that an array can hold.

    Examples
    --------
    >>> as_array("y", [0, 2, 1])
    array([0, 2, 1])
    >>> as_array("x", [[0, 2], [1]])
    Traceback (most recent call last):
    interp.errors.DataError: x: found rows that differ in length; expected numbers of one shape; make the rows alike
    """
    if isinstance(values, RowsOnDisk):
        return values
    try:
        if isinstance(values, (list, tuple)) and values and all(isinstance(part, Tensor) for part in values):
            values = torch.stack(list(values))
        return tensor_values(values) if isinstance(values, Tensor) else np.asarray(values)
    except Exception as error:  # ragged lists, sparse or quantised tensors: each library fails in its own way
        ragged = "inhomogeneous" in str(error)
        raise DataError(
            where,
            found="rows that differ in length" if ragged else first_line(error),
            expected="numbers of one shape",
            do="make the rows alike" if ragged else "give numpy arrays or dense tensors",
        ) from error


def tensor_values(tensor: Tensor) -> Array:
    """Give the values of a dense tensor on any device, without its gradient; halves in single precision.

    Parameters
    ----------
    tensor
        Dense tensor of any shape.

    Examples
    --------
    >>> tensor_values(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
    array([1., 1.], dtype=float32)
    """
    values = tensor.detach().cpu()
    return np.asarray((values.float() if values.dtype in HALF else values).numpy())

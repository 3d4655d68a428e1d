"""Inputs that no network can be run on: values that are not finite in 32 bits."""

from __future__ import annotations

import numpy as np

from interp.errors import DataError
from interp.streams import row_blocks
from interp.types import Array


def check_finite(where: str, inputs: Array, first: int = 0) -> None:
    """See that all values are finite in 32 bits.

    Parameters
    ----------
    where
        Name of the data in errors.
    inputs
        Values, one row a sample.
    first
        Number of the first row, among those of all batches.

    Raises
    ------
    DataError
        If one is not, naming its row.
    """
    for block in row_blocks(inputs) if inputs.dtype.kind == "f" else ():
        usable = np.abs(block) < np.finfo(np.float32).max
        if not usable.all():
            row = first + int(np.argwhere(~usable)[0, 0])
            found = f"a value that is not finite in 32 bits in row {row}"
            raise DataError(where, found=found, expected="finite inputs", do="clean the data")
        first += len(block)

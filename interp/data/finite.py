"""Inputs that no network can be run on: values that are not finite in 32 bits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

import numpy as np

from interp.errors import DataError
from interp.streams import row_blocks
from interp.types import Array


def check_finite(where: str, inputs: Array, before: int = 0, ranges: Sequence[range] | None = None) -> None:
    """See that all values are finite in 32 bits.

    Parameters
    ----------
    where
        Name of the data in errors.
    inputs
        Values, one row a sample.
    before
        Number of rows before the first, in earlier batches.
    ranges
        Indices among all samples that the rows of all batches are of; None where they are all, in order.

    Raises
    ------
    DataError
        If one is not, naming its row.
    """
    for block in row_blocks(inputs) if inputs.dtype.kind == "f" else ():
        usable = np.abs(block) < np.finfo(np.float32).max
        if not usable.all():
            row = before + int(np.argwhere(~usable)[0, 0])
            row = row if ranges is None else next(islice(chain.from_iterable(ranges), row, None), row)
            found = f"a value that is not finite in 32 bits in row {row}"
            raise DataError(where, found=found, expected="finite inputs", do="clean the data")
        before += len(block)

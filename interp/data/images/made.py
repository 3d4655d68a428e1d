"""Data sets whose inputs are made of the old ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from interp.streams import Kept, RowsOnDisk, row_blocks
from interp.types import Array, Dataset


def with_inputs(data: Dataset, one: Callable[[Array], Array]) -> Dataset:
    """Give a data set whose inputs are made of the old ones, split by split; those on disk go to disk again.

    Parameters
    ----------
    data
        Data set in memory or on disk.
    one
        Inputs of some samples (S, D) -> those that take their place (S, E).
    """
    splits = {name: replace(split, inputs=_made(data.name, split.inputs, one)) for name, split in data.splits.items()}
    return replace(data, splits=splits)


def _made(where: str, inputs: Array, one: Callable[[Array], Array]) -> Array:
    """Make inputs of others: at once in memory, or some rows at a time on disk."""
    if not isinstance(inputs, RowsOnDisk):
        return one(inputs)
    table = Kept(where)
    for block in row_blocks(inputs):
        table.add(one(block))
    return table.rows()

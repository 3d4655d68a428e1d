"""Tables of rows that lie in a file: too large for memory, read some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from interp.errors import DataError
from interp.streams.nameless import Nameless, writing
from interp.types import Array

BLOCK_BYTES = 2**22
"""Number of bytes of a block of rows: small beside what a program takes anyway."""


class RowsOnDisk(np.memmap):
    """Table whose rows lie in a file: an array to whoever uses it, of which only rows that are asked for are read.

    Rows that are asked for, by a slice, indices or a mask, are read from the file and are plain arrays. What takes the
    whole table at once, such as ``max()``, works as on any array that is mapped from a file. `Kept` makes them.

    Examples
    --------
    >>> kept = Kept("mine")
    >>> kept.add(np.arange(6).reshape(3, 2))
    >>> table = kept.rows()
    >>> table.shape, table[1:], table[[0, 2]]
    ((3, 2), array([[2, 3],
           [4, 5]]), array([[0, 1],
           [4, 5]]))
    """

    _source: Nameless | None = None

    @classmethod
    def of(cls, source: Nameless, dtype: np.dtype, shape: tuple[int, ...]) -> RowsOnDisk:
        """Give the rows of a whole file."""
        table = cls(source.file, dtype=dtype, mode="r", shape=shape)
        table._source = source
        return table

    @property
    def is_as_written(self) -> bool:
        """Whether these are the rows of a file as they were written, and not computed of such."""
        return self._source is not None

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        self._source = None  # a part of the table, or what was computed of it, is no table of its own

    def __reduce__(self) -> Any:
        """Pickle the values, as those of a plain array: the file is gone with this program."""
        return np.asarray(self).__reduce__()

    def __getitem__(self, rows: Any) -> Any:
        if self._source is None or rows is Ellipsis or rows is None or isinstance(rows, tuple):
            return super().__getitem__(rows)
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            return self._between(start, stop) if step == 1 else self._chosen(np.arange(start, stop, step))
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            if chosen.shape != self.shape[:1]:
                return super().__getitem__(rows)  # a mask of values, or one that is wrong
            chosen = np.flatnonzero(chosen)
        if chosen.size and chosen.dtype.kind not in "iu":
            return super().__getitem__(rows)  # fractions or words, which are no rows of any array
        if chosen.ndim == 0:
            return self._chosen(chosen[None])[0]
        return self._chosen(chosen.ravel()).reshape(*chosen.shape, *self.shape[1:])

    def __iter__(self) -> Iterator[Array]:
        for block in row_blocks(self):
            yield from np.asarray(block)

    def _between(self, start: int, stop: int) -> Array:
        assert self._source is not None
        found = np.empty((max(stop - start, 0), *self.shape[1:]), self.dtype)
        if found.size:
            self._source.read_into(found, start * self._row_bytes)
        return found

    def _chosen(self, rows: Array) -> Array:
        """Read rows in any order, those beside each other at once."""
        if rows.size and not (-len(self) <= rows.min() and rows.max() < len(self)):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of {len(self)}")
        rows = rows.astype(np.intp)  # small whole numbers would overflow below
        rows = np.where(rows < 0, rows + len(self), rows)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        for first, last in pairwise([*starts, len(rows)]):
            begin = int(rows[first])
            found[first:last] = self._between(begin, begin + int(last - first))
        return found

    @property
    def _row_bytes(self) -> int:
        return prod(self.shape[1:]) * self.dtype.itemsize


class Kept:
    """Rows that are written to a temporary file as they come, in the folder that ``TMPDIR`` names.

    The first rows say the type of all; in memory, batches of several types are brought to one that holds each.

    Parameters
    ----------
    name
        Name of the data, in errors.
    source
        File that they are written to, which other processes may write other rows of; None for a new one.
    first
        Number of rows of the file before the first that is written here.

    Raises
    ------
    UsageError
        If the file cannot be written.
    DataError
        If rows differ in shape from the first, or are of a type that the first one's does not hold without loss.

    Examples
    --------
    >>> kept = Kept("mine")
    >>> for start in (0, 2):
    ...     kept.add(np.array([[start], [start + 1]]))
    >>> kept.rows().shape
    (4, 1)
    """

    def __init__(self, name: str, source: Nameless | None = None, first: int = 0) -> None:
        self.name, self.count = name, 0
        self.row: tuple[np.dtype, tuple[int, ...]] | None = None
        self._first = first
        with writing():
            self._source = source or Nameless()

    def add(self, rows: Array) -> None:
        """Write rows behind those before.

        Parameters
        ----------
        rows
            Rows (B, ...), of the shape of those before, and of their type or one that it holds without loss.
        """
        if self.row is None:
            self.row = rows.dtype.newbyteorder("="), rows.shape[1:]
        dtype, shape = self.row
        if dtype.kind not in "biuf" or 0 in shape:
            found, do = f"inputs of shape {shape} and type {dtype}", "give arrays with one row a sample"
            raise DataError(self.name, found=found, expected="numbers", do=do)
        if rows.shape[1:] != shape or not np.can_cast(rows.dtype, dtype, "safe"):
            raise DataError(
                self.name,
                found=f"samples of shape {rows.shape[1:]}, {rows.dtype}, after those of shape {shape}, {dtype}",
                expected="samples that are alike",
                do="bring all to one shape and type",
            )
        with writing():
            if self._first and not self.count:
                self._source.file.seek(self._first * prod(shape) * dtype.itemsize)
            self._source.file.write(np.ascontiguousarray(rows, dtype).data)
        self.count += len(rows)

    def flush(self) -> None:
        """Let other processes see what was written.

        Raises
        ------
        UsageError
            If there is no room for it.
        """
        with writing():
            self._source.file.flush()

    def rows(self) -> RowsOnDisk:
        """Give the table of all rows; none are added any more."""
        assert self.row is not None, "no rows were added"
        self.flush()
        dtype, shape = self.row
        return RowsOnDisk.of(self._source, dtype, (self.count, *shape))


def row_blocks(table: Array, size: int | None = None) -> Iterator[Array]:
    """Yield the rows of a table in order, some at a time.

    Parameters
    ----------
    table
        Table (S, ...), in memory or on disk.
    size
        Number of rows of a block; None for as many as take 4 MB.

    Examples
    --------
    >>> [len(block) for block in row_blocks(np.zeros((5, 2)), 2)]
    [2, 2, 1]
    """
    size = size or max(1, BLOCK_BYTES // max(1, prod(table.shape[1:]) * table.dtype.itemsize))
    for start in range(0, len(table), size):
        yield table[start : start + size]


def flat_rows(table: Array) -> Array:
    """Give a table with each row flat, in memory or on disk as it was.

    Parameters
    ----------
    table
        Table (S, ...).

    Examples
    --------
    >>> flat_rows(np.zeros((5, 2, 3))).shape
    (5, 6)
    """
    if isinstance(table, RowsOnDisk) and table._source is not None:
        return RowsOnDisk.of(table._source, table.dtype, (len(table), prod(table.shape[1:])))
    return table.reshape(len(table), -1)

"""Checksums of recorded values, a block of rows at a time: too many values to be digested whole at every stage.

A block's checksum is the CRC-32 of its bytes, which is updated as rows are written and costs a few hundredths of the
time that computing them takes. It is compared with the rows when a block is first read. The checksums themselves
are under the file's digest; like that one they show damage, not forgery.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from interp.store.handles import write_rows
from interp.store.precision.kinds import KINDS, Kind
from interp.types import Array, Rows

BLOCK_ROWS = 1024
"""Number of rows of a block; the last of a layer may have fewer."""


def block_count(rows: int) -> int:
    """Count the blocks of some rows.

    Parameters
    ----------
    rows
        Number of rows.

    Examples
    --------
    >>> block_count(1024), block_count(1025)
    (1, 2)
    """
    return -(-rows // BLOCK_ROWS)


def checksum(values: Array, before: int = 0) -> int:
    """Give the CRC-32 of rows.

    Parameters
    ----------
    values
        Rows of numbers.
    before
        Checksum of the rows before these, where theirs together is asked for.

    Examples
    --------
    >>> first, second = np.zeros(3), np.ones(2)
    >>> checksum(second, checksum(first)) == checksum(np.concatenate([first, second]))
    True
    """
    return zlib.crc32(np.ascontiguousarray(values).data, before)


class ChecksumWriter:
    """Updates the checksums of one layer as its rows are written, and writes that of each block that is whole.

    Parameters
    ----------
    values
        HDF5 dataset of the rows, (L, N).
    sums
        HDF5 dataset of the checksums, one a block.
    """

    def __init__(self, values: h5py.Dataset, sums: h5py.Dataset) -> None:
        self._values, self._sums, self._rows = values, sums, len(values)
        self._next, self._running = 0, 0  # row that is expected next, and checksum of its block up to there

    def add(self, first: int, rows: Array) -> None:
        """Add rows that were just written; where rows before them were not added, those are read again.

        Parameters
        ----------
        first
            Index of the first of these rows.
        rows
            Rows as they were written.
        """
        self._running = self.unfinished(first)
        begin, whole = first // BLOCK_ROWS, []
        for start, stop in _cuts(first, first + len(rows)):
            self._running = checksum(rows[start - first : stop - first], self._running)
            if stop % BLOCK_ROWS == 0 or stop == self._rows:
                whole.append(self._running)
                self._running = 0
        if whole:
            write_rows(self._sums.id, begin, np.array(whole, np.uint32))
        self._next = first + len(rows)

    def unfinished(self, rows: int) -> int:
        """Give the checksum of the last rows of some that lie in a block which is not whole; 0 where there are none.

        Parameters
        ----------
        rows
            Number of rows that are on disk.
        """
        if rows in (self._next, self._rows):
            return self._running if rows == self._next else 0
        return checksum(self._values[rows - rows % BLOCK_ROWS : rows])


def _cuts(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of some rows that lie in one block each."""
    while first < last:
        stop = min(last, first - first % BLOCK_ROWS + BLOCK_ROWS)
        yield first, stop
        first = stop


def _blocks_of(rows: Any, count: int) -> list[int]:
    """Give the blocks that hold the rows of a key, or all where it is not known what the key is."""
    if isinstance(rows, slice):
        begin, end, _ = rows.indices(count)
        return list(range(begin // BLOCK_ROWS, block_count(end) if begin < end else 0))
    picked = np.asarray(rows)
    if picked.dtype == bool and picked.shape == (count,):
        picked = np.flatnonzero(picked)
    if picked.dtype.kind not in "iu" or picked.ndim > 1:
        return list(range(block_count(count)))
    found: list[int] = np.unique(picked % count // BLOCK_ROWS).tolist()
    return found


class CheckedRows:
    """Rows on disk, whose blocks are compared with their checksums when they are first read.

    Parameters
    ----------
    values
        Rows on disk as they are stored, (L, N).
    sums
        HDF5 dataset of the checksums, one a block.
    damaged
        Function of the number, from 1, and the first and last row of a block that is not as it was written, which gives
        the error to raise.
    kind
        Way in which the rows are stored; they are read as float32.
    """

    def __init__(
        self,
        values: Rows,
        sums: h5py.Dataset,
        damaged: Callable[[int, int, int], Exception],
        kind: Kind = KINDS["float32"],
    ) -> None:
        self._values, self._sums, self._damaged, self._kind = values, sums[()], damaged, kind
        self._sound = np.zeros(len(self._sums), bool)
        self.shape, self.dtype = values.shape, np.dtype(np.float32)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __bool__(self) -> bool:
        """Whether the file is open."""
        return bool(self._values)

    def __getitem__(self, key: Any) -> Any:
        """Read some rows as numpy would."""
        found = self._values[key]
        rows: Any = key[0] if isinstance(key, tuple) else key
        whole_rows = not isinstance(key, tuple)
        begin, end, step = rows.indices(len(self)) if isinstance(rows, slice) else (0, len(self), 0)
        for block in _blocks_of(rows, len(self)):
            if not self._sound[block]:
                first, last = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(self))
                is_read = whole_rows and step == 1 and begin <= first and last <= end
                self._check(block, found[first - begin : last - begin] if is_read else self._values[first:last])
        return self._kind.decode(found)

    def _check(self, block: int, values: Array) -> None:
        if checksum(values) != self._sums[block]:
            raise self._damaged(block + 1, block * BLOCK_ROWS, block * BLOCK_ROWS + len(values) - 1)
        self._sound[block] = True

    def check(self, count: int | None = None) -> None:
        """Read the blocks that were not read yet.

        Parameters
        ----------
        count
            Number of rows, from the first, whose blocks are read; None for all.
        """
        for start in range(0, len(self) if count is None else count, BLOCK_ROWS):
            self[start : start + BLOCK_ROWS]

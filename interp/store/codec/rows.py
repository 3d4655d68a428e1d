"""Rows that are packed a block at a time, read without HDF5's own unpacking.

A chunk is a block of rows, shuffled and deflated as HDF5's own filters do it, so that any viewer opens them. HDF5
itself would unpack whatever a chunk holds; here one is unpacked up to the size of its block and no further. A block
that does not become smaller, or so much smaller that a reader would not believe it, lies in its chunk as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from interp.errors import unknown_name
from interp.store.blocks import BLOCK_ROWS, block_count
from interp.store.packed import (
    LEVEL,
    MOST_BYTES,
    MOST_TIMES,
    has_our_filters,
    holds_plain,
    is_packed,
    shuffled,
    unpacked,
)
from interp.types import Array, Rows

if TYPE_CHECKING:
    from h5py.h5d import DatasetID

CODEC = "codec"
"""Attribute of a layer whose values are packed: the name of the codec."""

CODECS = ("none", "gzip")
"""Names of the ways to pack recorded values."""

AS_IT_IS = 0b11
"""Mark of a chunk that neither filter was applied to."""

Damaged = Callable[[int, int, int], Exception]
"""Function of a block's number, from 1, and of its first and last row, which gives the error of damaged values."""


def find_codec(name: str, where: str = "--codec") -> str:
    """Give the name of a codec, if there is one of that name.

    Parameters
    ----------
    name
        Name of the codec: ``none`` or ``gzip``.
    where
        Name of the option, for the error.

    Raises
    ------
    UsageError
        If there is none of that name.

    Examples
    --------
    >>> find_codec("gzip")
    'gzip'
    """
    if name not in CODECS:
        raise unknown_name(where, name, CODECS)
    return name


def chunk_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape of the chunks of a table, of a block of rows each.

    Parameters
    ----------
    shape
        Shape of the table, (L, N).
    """
    return (min(BLOCK_ROWS, shape[0]), *shape[1:])


def can_pack(shape: tuple[int, ...], kind: np.dtype) -> bool:
    """Tell whether a table can be packed: it has values, and a block of it is not too large for a chunk.

    Parameters
    ----------
    shape, kind
        Shape (L, N) and type of the table.
    """
    return 0 < prod(chunk_shape(shape)) * kind.itemsize < MOST_BYTES


def packed_block(rows: Array) -> tuple[bytes, int]:
    """Pack a block of rows; gives its bytes, and the mark of its chunk.

    Parameters
    ----------
    rows
        Rows of a whole block.
    """
    flat = np.ascontiguousarray(rows).reshape(-1)
    found = zlib.compress(shuffled(flat), LEVEL)
    is_worth = flat.nbytes <= MOST_TIMES * len(found) and len(found) < flat.nbytes
    return (found, 0) if is_worth else (flat.tobytes(), AS_IT_IS)


def rows_on_disk(values: h5py.Dataset, damaged: Damaged) -> Rows:
    """Give the rows of a dataset, packed or not.

    Parameters
    ----------
    values
        HDF5 dataset of the rows, (L, N), which `check_packed_rows` has found sound where it is packed.
    damaged
        Function that gives the error of a block that cannot be unpacked.
    """
    rows: Rows = PackedRows(values, damaged) if is_packed(values.id) else values
    return rows


class PackedRows:
    """Rows on disk in packed blocks, unpacked as they are read; the block that was read last is kept.

    Parameters
    ----------
    values
        HDF5 dataset of the rows, (L, N), which `check_packed_rows` has found sound.
    damaged
        Function that gives the error of a block that cannot be unpacked.
    """

    def __init__(self, values: h5py.Dataset, damaged: Damaged) -> None:
        self._values, self._damaged = values, damaged
        self.shape, self.dtype = values.shape, values.dtype
        self._latest = -1, np.empty(0)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __bool__(self) -> bool:
        """Whether the file is open."""
        return bool(self._values)

    def __getitem__(self, key: Any) -> Any:
        """Read some rows as numpy would."""
        rows, *columns = key if isinstance(key, tuple) else (key,)
        wanted = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.arange(len(self))[rows]
        flat, picked = np.atleast_1d(wanted), (slice(None), *columns)
        found = np.empty((len(flat), *np.empty((0, *self.shape[1:]), bool)[picked].shape[1:]), self.dtype)
        for block, places in _by_block(flat):
            found[places] = self._block(block)[flat[places] - block * BLOCK_ROWS][picked]
        return found if np.ndim(wanted) else found[0]

    def _block(self, block: int) -> Array:
        number, rows = self._latest
        if number != block:
            rows = self._unpacked(block)
            self._latest = block, rows
        return rows

    def _unpacked(self, block: int) -> Array:
        """Read the rows of a block; those that fill up the chunk of the last one are zero, and left out."""
        first, last = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(self))
        try:
            whole = _read(self._values.id, first)
            if whole[last - first :].any():
                raise ValueError("values behind the last row")
        except (OSError, RuntimeError, ValueError) as error:
            raise self._damaged(block + 1, first, last - 1) from error
        return whole[: last - first]


def _by_block(rows: Array) -> Iterator[tuple[int, Array]]:
    """Yield each block that holds some of the rows, with the places of these among all."""
    blocks = rows // BLOCK_ROWS
    order = np.argsort(blocks, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1):
        if len(places):
            yield int(blocks[places[0]]), places


def _read(node: DatasetID, first: int) -> Array:
    """Read the chunk of a block of rows."""
    shape, kind = chunk_shape(node.shape), node.dtype
    mark, chunk = node.read_direct_chunk((first, 0))
    if mark == AS_IT_IS:
        plain: Array = np.frombuffer(chunk, kind).reshape(shape)
        return plain
    return unpacked(chunk, shape, kind)


def check_packed_rows(name: str, node: DatasetID) -> int:
    """Hold packed rows against what this program writes, before anything of them is unpacked.

    Parameters
    ----------
    name
        Path of the dataset, for errors.
    node
        Handle of the dataset.

    Returns
    -------
    int
        Number of bytes that it takes in the file.

    Raises
    ------
    ValueError
        If it is not the table of a layer's values, has other filters or chunks, room to grow, values that are no plain
        numbers, or a block that is missing or declares over `MOST_TIMES` the bytes that it takes.
    """
    shape = node.shape
    is_table = name.endswith("/values") and len(shape) == 2 and holds_plain(node, "uf")
    if not is_table or not can_pack(shape, node.dtype):
        raise ValueError(f"{name} is packed, and no table of recorded values")
    if not has_our_filters(node, chunk_shape(shape)):
        raise ValueError(f"{name} is packed in another way than ours")
    if node.get_space().get_simple_extent_dims(True) != shape or node.get_num_chunks() != block_count(shape[0]):
        raise ValueError(f"{name} has {node.get_num_chunks():,} blocks of {block_count(shape[0]):,}")
    return sum(_check_block(name, node, block * BLOCK_ROWS) for block in range(block_count(shape[0])))


def _check_block(name: str, node: DatasetID, first: int) -> int:
    """Give the number of bytes that a block takes, or raise `ValueError`."""
    chunk, size = node.get_chunk_info_by_coord((first, 0)), prod(chunk_shape(node.shape)) * node.dtype.itemsize
    is_sound = chunk.size == size if chunk.filter_mask == AS_IT_IS else size <= MOST_TIMES * chunk.size
    if chunk.filter_mask not in (0, AS_IT_IS) or not is_sound:
        raise ValueError(f"rows from {first:,} of {name} declare {size:,} bytes in {chunk.size:,}")
    return int(chunk.size)

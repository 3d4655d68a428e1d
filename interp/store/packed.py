"""Arrays that are packed without loss, as HDF5's own filters do it, so that any viewer opens them.

A packed array is one chunk, its bytes shuffled (all first bytes, then all second ones) and deflated. HDF5 itself would
unpack whatever a chunk holds, however much that is; here a chunk is unpacked up to the size that its header declares
and no further, and one that declares over `MOST_TIMES` the bytes that it takes is refused before it is read.
"""

from __future__ import annotations

import zlib
from math import prod
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from interp.store.handles import new_numbers, numbers
from interp.types import Array

if TYPE_CHECKING:
    from h5py.h5d import DatasetID
    from h5py.h5g import GroupID

MOST_TIMES = 100
"""Largest ratio of an array's size to that of its packed bytes."""

LEAST_BYTES = 16_384
"""Least size of an array that is packed: describing the chunk takes some thousand bytes."""

MOST_BYTES = 2**31
"""Largest size of an array that is packed: a chunk ends at 4 GB."""

WORTH = 0.75
"""Share of its size that a packed array takes at most; one that takes more is stored as it is."""

PROBE = 8192
"""Number of values of a large array that are packed first, to see whether packing all is worth while."""

LEVEL = 4
FILTERS = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE)
FILTERED: dict[str, Any] = {"shuffle": True, "compression": "gzip", "compression_opts": LEVEL}
"""Options of `h5py` that give a dataset these filters."""


def packed(values: Array) -> bytes | None:
    """Pack an array, if that makes it much smaller.

    Parameters
    ----------
    values
        Array of any shape.

    Returns
    -------
    bytes or None
        Shuffled and deflated bytes; None where the array is to be stored as it is.

    Examples
    --------
    >>> counts = np.random.default_rng(0).integers(0, 50, 10_000)
    >>> packed(np.arange(9.0)) is None, len(packed(counts)) < counts.nbytes / 5
    (True, True)
    """
    if values.dtype.kind not in "iuf" or not LEAST_BYTES <= values.nbytes < MOST_BYTES:
        return None
    flat = np.ascontiguousarray(values).reshape(-1)
    probe = np.ascontiguousarray(flat[:: max(1, len(flat) // PROBE)])
    if len(zlib.compress(shuffled(probe), 1)) > WORTH * probe.nbytes:
        return None
    found = zlib.compress(shuffled(flat), LEVEL)
    return found if values.nbytes / MOST_TIMES <= len(found) <= WORTH * values.nbytes else None


def shuffled(flat: Array) -> bytes:
    """Give the bytes of numbers: all first ones, then all second ones.

    Parameters
    ----------
    flat
        Numbers (n,), one behind the other in memory.
    """
    return flat.view(np.uint8).reshape(-1, flat.itemsize).T.tobytes()


def unpacked(chunk: bytes, shape: tuple[int, ...], kind: np.dtype) -> Array:
    """Unpack shuffled and deflated numbers, up to the size that is declared and no further.

    Parameters
    ----------
    chunk
        Packed bytes.
    shape, kind
        Shape and type of the numbers, as the file declares them.

    Raises
    ------
    ValueError
        If the bytes cannot be unpacked, or hold less or more than is declared.
    """
    size, unpacking = prod(shape) * kind.itemsize, zlib.decompressobj()
    try:
        found = unpacking.decompress(chunk, size)
    except zlib.error as error:
        raise ValueError("cannot be unpacked") from error
    if len(found) != size or not unpacking.eof or unpacking.unused_data:
        raise ValueError(f"does not unpack to the {size:,} bytes that it declares")
    values = np.frombuffer(found, np.uint8).reshape(kind.itemsize, -1).T
    whole: Array = np.ascontiguousarray(values).view(kind).reshape(shape)
    return whole


def write_array(group: GroupID, key: str, values: Array) -> DatasetID:
    """Write an array of numbers, packed where that makes it much smaller.

    Parameters
    ----------
    group
        Handle of the group to write into.
    key
        Name of the dataset in the group.
    values
        Array of numbers.
    """
    chunk = packed(values)
    if chunk is None:
        return new_numbers(group, key, values)
    made = h5py.Group(group).create_dataset(key, values.shape, values.dtype, chunks=values.shape, **FILTERED)
    made.id.write_direct_chunk((0,) * values.ndim, chunk)
    return made.id


def read_array(node: DatasetID) -> Array:
    """Read an array of numbers, packed or not.

    Parameters
    ----------
    node
        Handle of the dataset, which `check_packed` has found sound where it is packed.

    Raises
    ------
    ValueError
        If a chunk does not hold what it declares.

    Examples
    --------
    >>> counts = np.random.default_rng(0).integers(0, 50, (100, 100))
    >>> with h5py.File("packed", "w", driver="core", backing_store=False) as file:
    ...     made = write_array(file.id, "counts", counts)
    ...     file["counts"].chunks, bool((read_array(made) == counts).all())
    ((100, 100), True)
    """
    if not is_packed(node):
        return numbers(node)
    try:
        return unpacked(node.read_direct_chunk((0,) * node.rank)[1], node.shape, node.dtype)
    except ValueError as error:
        raise ValueError(f"{h5py.Dataset(node).name} {error}") from error


def is_packed(node: DatasetID) -> bool:
    """Whether a dataset is stored in chunks.

    Parameters
    ----------
    node
        Handle of the dataset.
    """
    return bool(node.get_create_plist().get_layout() == h5py.h5d.CHUNKED)


def has_our_filters(node: DatasetID, chunk: tuple[int, ...]) -> bool:
    """Whether a dataset that is stored in chunks has our filters, and chunks of a shape.

    Parameters
    ----------
    node
        Handle of the dataset.
    chunk
        Shape of a chunk.
    """
    made = node.get_create_plist()
    filters = tuple(made.get_filter(i)[0] for i in range(made.get_nfilters()))
    return filters == FILTERS and bool(made.get_chunk() == chunk)


def holds_plain(node: DatasetID, kinds: str) -> bool:
    """Whether a dataset holds plain numbers: each value is all that its type takes in the file.

    Parameters
    ----------
    node
        Handle of the dataset.
    kinds
        Kinds of the numbers that it may hold, letters of numpy's.
    """
    return node.dtype.kind in kinds and bool(node.get_type().get_size() == node.dtype.itemsize)


def check_packed(name: str, node: DatasetID) -> int:
    """Hold a packed array against what this program writes, before anything of it is unpacked.

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
        If it has other filters, several chunks, room to grow, values that are no plain numbers, or declares over
        `MOST_TIMES` the bytes that it takes.
    """
    shape = node.shape
    if not has_our_filters(node, shape) or node.get_space().get_simple_extent_dims(True) != shape:
        raise ValueError(f"{name} is packed in another way than ours")
    if not holds_plain(node, "iuf") or node.get_num_chunks() != 1:
        raise ValueError(f"{name} is packed, and not one chunk of plain numbers")
    chunk = node.get_chunk_info(0)
    if chunk.filter_mask or any(chunk.chunk_offset) or prod(shape) * node.dtype.itemsize > MOST_TIMES * chunk.size:
        raise ValueError(f"{name} declares over {MOST_TIMES} times the {chunk.size:,} bytes that it takes")
    return int(chunk.size)

"""A whole recording, written once more with its values packed.

Values are packed when all are there: chunks that change their size as a file is written would not leave it readable
after a kill. So what is killed while it packs has its unpacked file still, and comes to the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from interp.store.atomic import reserve
from interp.store.blocks import BLOCK_ROWS
from interp.store.checks.sound import UNHASHED, seal
from interp.store.codec.rows import CODEC, can_pack, chunk_shape, packed_block
from interp.store.packed import FILTERED

WHOLE = ("layers", "provenance")
"""Names of what is no split of a recording."""

OVERHEAD = 2**20
"""Number of bytes beside the values that may be written at once."""


def packing_path(path: Path) -> Path:
    """Give the name that a recording has while it is packed.

    Parameters
    ----------
    path
        Final path of the recording.

    Examples
    --------
    >>> packing_path(Path("run/activations.h5")).name
    '.activations.h5.packed.partial'
    """
    return path.with_name(f".{path.name}.packed.partial")


def write_packed(source: h5py.File, path: Path) -> None:
    """Write a recording with its values packed, sealed; a file that cannot be written to its end is removed.

    Parameters
    ----------
    source
        Recording that is whole, but for its seal.
    path
        Path of the packed file; what is there is replaced.

    Raises
    ------
    OSError
        If there is no room for it, or it cannot be written.
    """
    try:
        with h5py.File(path, "w") as file:
            _Packing(file, path).copy(source)
            seal(file)
            file.flush()
            size = file.id.get_filesize()
        os.truncate(path, size)  # room that was taken and not needed
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _Packing:
    """Copies a recording into another file, whose room is taken before it is written."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._file, self._path, self._taken = file, path, 0

    def _take_room(self, size: int) -> None:
        """Make sure that HDF5, which ends the program on a full disk, can write some more bytes."""
        wanted = self._file.id.get_filesize() + size + OVERHEAD
        reserve(self._path, wanted, self._taken)
        self._taken = max(wanted, self._taken)

    def copy(self, source: h5py.File) -> None:
        """Copy all of a recording."""
        self._take_room(0)
        _copy_attributes(source, self._file)
        for name in source:
            if name in WHOLE:
                source.copy(name, self._file)
            else:
                self._copy_group(source[name], self._file.create_group(name))

    def _copy_group(self, group: h5py.Group, into: h5py.Group) -> None:
        _copy_attributes(group, into)
        for name, node in group.items():
            if isinstance(node, h5py.Group):
                self._copy_group(node, into.create_group(name))
            elif name == UNHASHED and can_pack(node.shape, node.dtype):
                self._pack(node, into)
            else:
                self._take_room(node.id.get_storage_size())
                group.copy(name, into)

    def _pack(self, values: h5py.Dataset, into: h5py.Group) -> None:
        """Write the values of a layer a block at a time, and say that they are packed."""
        shape = chunk_shape(values.shape)
        made = into.create_dataset(UNHASHED, values.shape, values.dtype, chunks=shape, **FILTERED)
        into.attrs[CODEC] = "gzip"
        for first in range(0, len(values), BLOCK_ROWS):
            rows = values[first : first + BLOCK_ROWS]
            filled = np.zeros(shape, values.dtype)
            filled[: len(rows)] = rows
            chunk, mark = packed_block(filled)
            self._take_room(len(chunk))
            made.id.write_direct_chunk((first, 0), chunk, mark)


def _copy_attributes(source: h5py.Group, into: h5py.Group) -> None:
    for name, value in source.attrs.items():
        into.attrs.create(name, value, dtype=source.attrs.get_id(name).dtype)

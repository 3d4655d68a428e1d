"""HDF5's heaps of texts, looked at on their way from the disk: one without an end would keep the library busy for ever.

Texts lie in *global heaps* (HDF5 file format specification, III.E): a header, and objects each of which says how far it
is to the next. The library goes from one to the next without asking whether it gets anywhere: five flipped bits were
enough for a file that was never opened. A loop of the library cannot be interrupted; what it reads can be refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SIGNATURE = b"GCOL"
HEADER = struct.Struct("<4sB3xQ")  # signature, version, size of all
OBJECT = struct.Struct("<HHIQ")  # index, references, reserved, size; index 0 is the room that is left
READ_AT_ONCE = 2**20  # longest read that HDF5 keeps as metadata, so that a heap may begin amid it
SIZES = (8, 8)  # bytes of an address, and of a length, in all files of ours


class HeapReader(io.FileIO):
    """File that refuses to hand out heaps that do not end."""

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read the bytes that HDF5 asks for.

        Parameters
        ----------
        buffer
            Memory that the bytes are written into.

        Raises
        ------
        ValueError
            If a heap begins among them whose objects do not follow each other to its end.
        """
        target = memoryview(buffer)
        if len(target) > READ_AT_ONCE:
            return self._filled(target, super().readinto(target) or 0)
        begin = self.tell()
        first = max(begin - len(SIGNATURE) + 1, 0)  # a signature may lie across two reads
        around = self._bytes(first, begin + len(target) + len(SIGNATURE) - 1 - first)
        at = around.find(SIGNATURE)
        while at >= 0:
            self._check_heap(first + at)
            at = around.find(SIGNATURE, at + 1)
        found = around[begin - first : begin - first + len(target)]
        target[: len(found)] = found
        self.seek(begin + len(found))
        return self._filled(target, len(found))

    @staticmethod
    def _filled(target: memoryview, count: int) -> int:
        """Put zeros behind the end of the file: HDF5 takes what is there, and its own drivers give zeros."""
        rest = target[count:]
        rest[:] = bytes(len(rest))
        return count

    def _bytes(self, start: int, count: int) -> bytes:
        self.seek(start)
        return self.read(count)

    def _check_heap(self, start: int) -> None:
        """Follow the objects of a heap as HDF5 does; numbers that happen to read as a signature are left alone."""
        head = self._bytes(start, HEADER.size)
        if len(head) < HEADER.size:
            return
        _, version, size = HEADER.unpack(head)
        if version != 1 or head[5:8] != bytes(3) or size > self._length() - start:
            return  # which HDF5 refuses, were it meant to be one
        at = HEADER.size
        heap = self._bytes(start, size)
        while at + OBJECT.size <= size:
            index, _, _, stated = OBJECT.unpack_from(heap, at)
            taken = stated if index == 0 else OBJECT.size + (stated + 7) // 8 * 8
            if not 0 < taken <= size - at:
                raise ValueError(
                    f"a heap of texts at {start:,} whose object at {at:,} takes {taken:,} of {size - at:,}"
                )
            at += taken

    def _length(self) -> int:
        return self.seek(0, io.SEEK_END)


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read, none of whose heaps keeps the library busy.

    Parameters
    ----------
    path
        Path of the file.

    Yields
    ------
    File
        HDF5 file, closed at the end of the block.

    Raises
    ------
    OSError
        If it is no such file.
    ValueError
        If its addresses and lengths are of other sizes than ours; also in the block, where a heap does not end, or
        something lies beyond any file's end.
    """
    if not path.is_file():
        raise OSError(f"{path} is no file")
    try:
        with HeapReader(path) as raw, h5py.File(raw, "r") as file:
            if file.id.get_create_plist().get_sizes() != SIZES:
                raise ValueError("addresses or lengths that are not of eight bytes")
            yield file
    except OverflowError as error:  # by h5py, which hands on addresses as numbers with a sign
        raise ValueError(f"an address beyond any file: {error}") from error

"""What one process of each machine reads, and the others of that machine take from it without a copy.

Arrays lie in files without a name. Who writes one tells the others of its machine its number, and they open it from
there, so that it stands in no folder at any moment and is gone with the last of them, also after a kill. Where a
system has no such way (no ``/proc``, processes of several users), each process reads for itself.
"""

from __future__ import annotations

import io
import mmap
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import numpy as np

from interp.ranks import Ranks
from interp.streams.nameless import Handle, Nameless
from interp.streams.rows import RowsOnDisk
from interp.types import Array

Value = TypeVar("Value")

ALIGNED = 64
"""Number of bytes of which each array in a file begins at a multiple."""


class Carrier(NamedTuple):
    """A value in a file: pickled, and before it the bytes of its arrays.

    Attributes
    ----------
    handle
        Process and number that the file is opened by.
    end
        First byte of what is pickled, which reaches to the end: places of the arrays, and behind them the value.
    """

    handle: Handle
    end: int


def once(ranks: Ranks, make: Callable[[], Value], fits: Callable[[Value], bool] = lambda made: True) -> Value:
    """Give what one process of each machine makes.

    All processes call it, in the same order among their exchanges, and `make` itself exchanges nothing. Where what was
    made cannot be handed on, every process makes it.

    Parameters
    ----------
    ranks
        Processes of the job.
    make
        Function that makes it, from the same in every process.
    fits
        Function of what was made that says whether it is handed on; of what it refuses each makes its own.

    Returns
    -------
    object
        Value with equal arrays: those on disk from the same file, others mapped from one, private to each.

    Raises
    ------
    JobError
        If another process has ended.

    Examples
    --------
    >>> from interp.ranks import ALONE
    >>> once(ALONE, lambda: 7)
    7
    """
    if ranks.size == 1:
        return make()
    lead, made, file, carrier = ranks.beside[0], [], None, None
    if ranks.rank == lead:
        made = [make()]
        if len(ranks.beside) > 1 and fits(made[0]):
            with suppress(OSError):  # no room: the others read for themselves, in memory perhaps
                file = Nameless()
                carrier = packed(made[0], file)
    carrier = ranks.told(carrier)[lead]
    if not made and carrier is not None:
        with suppress(OSError):  # no such way on this system
            made = [unpacked(carrier)]
    ranks.told(None)  # the file stays open until all have it
    return made[0] if made else make()


class _Pickler(pickle.Pickler):
    """Pickles tables on disk as the files that hold them."""

    def persistent_id(self, value: Any) -> Any:
        """Give what a table on disk is opened by; None of anything else."""
        source = value._source if isinstance(value, RowsOnDisk) else None
        return None if source is None else (source.handle, value.dtype.str, value.shape)


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> RowsOnDisk:
        """Open a table on disk."""
        handle, dtype, shape = pid
        return RowsOnDisk.of(Nameless.opened(handle), np.dtype(dtype), shape)


def packed(value: Any, file: Nameless) -> Carrier | None:
    """Write a value to a file, of which others of the machine need be told little; None where it cannot be pickled.

    Parameters
    ----------
    value
        Value whose arrays lie in memory or on disk.
    file
        File that stays open until all have read it.

    Raises
    ------
    OSError
        If there is no room.
    """
    found: list[pickle.PickleBuffer] = []
    content = io.BytesIO()
    try:
        _Pickler(content, protocol=5, buffer_callback=found.append).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):  # streams, and what else holds functions
        return None
    places = []
    for buffer in found:
        raw, at = buffer.raw(), -(-file.file.tell() // ALIGNED) * ALIGNED
        file.file.seek(at)
        file.file.write(raw)
        places.append((at, raw.nbytes))
    end = file.file.tell()
    pickle.dump(places, file.file)
    file.file.write(content.getbuffer())
    file.file.flush()
    return Carrier(file.handle, end)


def unpacked(carrier: Carrier) -> Any:
    """Read a value from the file of a process of this machine.

    Parameters
    ----------
    carrier
        Place of the value, as `packed` gave it there.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    file = Nameless.opened(carrier.handle)
    whole = memoryview(mapped(file))
    content = io.BytesIO(whole[carrier.end :])
    buffers = [whole[at : at + count] for at, count in _Unpickler(content).load()]
    return _Unpickler(content, buffers=buffers).load()


def mapped(file: Nameless) -> mmap.mmap:
    """Map a file into memory: whoever changes the bytes has a copy of their own.

    Parameters
    ----------
    file
        File that is not empty, whose bytes are all written.
    """
    return mmap.mmap(file.file.fileno(), 0, access=mmap.ACCESS_COPY)


def array_of(file: Nameless, dtype: np.dtype, shape: tuple[int, ...]) -> Array:
    """Give the rows of a file as an array in memory, of which each process has a copy of what it changes alone.

    Parameters
    ----------
    file
        File whose bytes are all written.
    dtype, shape
        Type and shape of the array.
    """
    return np.frombuffer(mapped(file), dtype, int(np.prod(shape))).reshape(shape)

"""Temporary files without a name, gone when no process uses them any more; others of the machine can open them too."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from interp.errors import UsageError, first_line
from interp.types import Array

Handle = tuple[int, int]
"""Number of a process, and of a file that it has open: what another process of the machine opens the file by."""


class Nameless:
    """A temporary file without a name, in the folder that ``TMPDIR`` names; however the program ends, it is gone.

    Parameters
    ----------
    file
        File that is open already; None for a new one.

    Raises
    ------
    OSError
        If it cannot be made.

    Examples
    --------
    >>> one = Nameless()
    >>> other = Nameless.opened(one.handle)
    >>> other.file.write(b"abc"), other.file.flush(), one.file.read()
    (3, None, b'abc')
    """

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self.file = tempfile.TemporaryFile(prefix="interp-") if file is None else file  # noqa: SIM115  # lives on
        self._lock = threading.Lock()
        weakref.finalize(self, self.file.close)

    @classmethod
    def opened(cls, handle: Handle) -> Nameless:
        """Open a file that a process of this machine has open, with a position of its own.

        Parameters
        ----------
        handle
            Process and number, which must still have the file open.

        Raises
        ------
        OSError
            If there is none, the process is another user's, or the system has no ``/proc``.
        """
        process, number = handle
        return cls(Path(f"/proc/{process}/fd/{number}").open("r+b"))

    @property
    def handle(self) -> Handle:
        """Number of this process, and of the file in it."""
        return os.getpid(), self.file.fileno()

    def read_into(self, rows: Array, offset: int) -> None:
        """Fill an array with the bytes from an offset on; the file's own position may be another process's too.

        Parameters
        ----------
        rows
            Array that is filled.
        offset
            Number of bytes before the first.

        Raises
        ------
        OSError
            If the file has fewer.
        """
        view = rows.data.cast("B")
        done = 0
        while done < len(view):
            count = self._read(view[done:], offset + done)
            if not count:
                raise OSError("the file of the data ends too early")
            done += count

    def _read(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self.file.fileno(), [view], offset)
        with self._lock:  # no such call on this system
            self.file.seek(offset)
            return self.file.readinto(view)  # type: ignore[attr-defined,no-any-return]


@contextmanager
def writing() -> Iterator[None]:
    """Tell in one line what stands in the way of a block that writes such a file."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            tempfile.gettempdir(),
            found=first_line(error),
            expected="room for data that are kept on disk",
            do="set TMPDIR to a folder on a disk with more",
        ) from error

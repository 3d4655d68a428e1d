"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch

from interp.errors import UsageError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that gets its name only when it is complete.

    Raises
    ------
    UsageError
        If the folder cannot be written or the disk is full; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        os.chmod(name, 0o644)  # noqa: PTH101 - mkstemp makes it private
        os.replace(name, path)  # noqa: PTH105
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Find out before long work whether its results can be saved.

    Raises
    ------
    UsageError
        If not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _unwritable(folder, error) from error


def save_tensors(path: Path, content: dict[str, Any]) -> None:
    """Write a dict with `torch.save`, whole or not at all.

    It is made in memory first: on a full disk torch raises an error of its own kind, the plain write an OSError.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with whole_file(path) as stream:
        stream.write(buffer.getbuffer())


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as stream:
        stream.write(text.encode())


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        path,
        found=error.strerror or str(error),
        expected="a folder with room that can be written",
        do="free some space or choose another --out; what is finished stays",
    )

"""Files that are whole or absent: nothing half-written ever has a final name."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from interp.errors import UsageError, first_line


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; it becomes `path` when the block ends well, and is removed when not.

    The name is new each time, so that two programs that write the same file do not write into each other.

    Parameters
    ----------
    path
        Final path of the file; folders above it are made.

    Yields
    ------
    Path
        Temporary path beside it.

    Raises
    ------
    UsageError
        If the folder cannot be written or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder, "a.txt")) as part:
    ...         _ = part.write_text("whole")
    ...         print([file.suffix for file in Path(folder).iterdir()])
    ...     print([file.name for file in Path(folder).iterdir()])
    ['.partial']
    ['a.txt']
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # there is none, or no folder that it could be in
            part.unlink()


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to write into; it becomes `path` when the block ends well, and is removed when not.

    Parameters
    ----------
    path
        Final path of the folder, where nothing is; folders above it are made.

    Yields
    ------
    Path
        Empty folder beside it.

    Raises
    ------
    UsageError
        If the folder cannot be written, the disk is full, or something is at `path` by then.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home:
    ...     with atomic_folder(Path(home, "tables")) as part:
    ...         _ = (part / "a.txt").write_text("whole")
    ...     [str(file.relative_to(home)) for file in Path(home).rglob("*.txt")]
    ['tables/a.txt']
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file of bytes, whole or not at all.

    Parameters
    ----------
    path
        Path of the file; folders above it are made.
    content
        Content of the file.

    Raises
    ------
    UsageError
        If the folder cannot be written or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder, "a.bin"), b"whole")
    ...     Path(folder, "a.bin").read_bytes()
    b'whole'
    """
    with atomic_path(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Parameters
    ----------
    path
        Path of the file; folders above it are made.
    text
        Content of the file; characters that UTF-8 cannot hold become question marks.

    Raises
    ------
    UsageError
        If the folder cannot be written or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_text(Path(folder, "a.txt"), "größer")
    ...     Path(folder, "a.txt").read_bytes().decode("utf-8")
    'größer'
    """
    write_bytes(path, text.encode("utf-8", "replace"))


FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""Numbers of the errors of a disk that is full, and of limits on files and users."""

NO_FOLDER = {errno.EEXIST: "a file", errno.ENOTDIR: "a file in the place of a folder above it"}
"""Number of an error -> what is there instead of a folder; of others the system's own words are shown."""

REMEDIES = {
    **dict.fromkeys(FULL, "free some space, or choose another with --out; what is finished stays"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "allow writing into it, or choose another with --out"),
}
"""Number of an error -> what to do about it, where choosing another folder is not all."""


def reserve(path: Path, size: int, begin: int = 0) -> None:
    """Take disk space for a file, made if missing: HDF5 ends the program, in its own way, where it finds none left.

    Systems other than Linux, and file systems that cannot, reserve nothing.

    Parameters
    ----------
    path
        Path of the file.
    size
        Size of the file in bytes; a smaller one grows to it.
    begin
        Number of its first bytes whose room was taken before.

    Raises
    ------
    OSError
        If there is no room for it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     reserve(Path(folder, "a.bin"), 0)
    ...     Path(folder, "a.bin").stat().st_size
    0
    """
    with path.open("ab") as file:
        if sys.platform != "linux" or size <= begin:
            return
        try:
            os.posix_fallocate(file.fileno(), begin, size - begin)
        except OSError as error:
            if error.errno in FULL:
                raise


def check_writable(folder: Path) -> None:
    """Find out before long work whether its results can be saved; leaves nothing behind.

    Parameters
    ----------
    folder
        Folder of the results, which need not be there.

    Raises
    ------
    UsageError
        If a file cannot be written into the folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     check_writable(Path(folder, "a", "b"))
    ...     list(Path(folder).iterdir())
    []
    """
    try:
        made = [part for part in (folder, *folder.parents) if not part.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        for part in made:  # work that fails at once should not cost an empty folder
            part.rmdir()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise cannot_write(folder, error) from error


def file_name(path: str | Path) -> Path:
    """Give the name of a file that is to be written.

    Raises
    ------
    UsageError
        If a folder has that name, or no file can.

    Examples
    --------
    >>> file_name(".")
    Traceback (most recent call last):
    interp.errors.UsageError: .: found a folder; expected the name of a file; choose another name
    """
    named = Path(path)
    is_folder = os.path.isdir(named)  # noqa: PTH112 - never raises, unlike that of `Path`
    if not named.name or "\0" in str(path) or is_folder:
        found = "a folder" if is_folder else "no name of a file"
        raise UsageError(named, found=found, expected="the name of a file", do="choose another name")
    return named


def cannot_write(path: Path, error: Exception) -> UsageError:
    """Make the error for a file or folder that cannot be written.

    Parameters
    ----------
    path
        Path of the file or folder.
    error
        Error of the operating system, or of Python.
    """
    number = error.errno if isinstance(error, OSError) else None
    found = NO_FOLDER.get(number or 0) or (os.strerror(number) if number else first_line(error)).lower()
    remedy = REMEDIES.get(number or 0, "choose another with --out")
    return UsageError(path, found=found, expected="a folder with room that can be written", do=remedy)

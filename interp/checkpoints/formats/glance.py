"""What shows of a file before it is read: its first bytes, and the names in a zip archive."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from interp.errors import CheckpointError, first_line

LARGEST_RATIO = 100  # unpacked to packed size; pickled names alone compress to a tenth
SHOWN = 4096  # bytes
MARKS, LONGEST_MARK = ("version", "byteorder", ".storage_alignment", ".format_version"), 1000
"""Names of a torch archive's members that hold one word or number, and the largest number of bytes of one."""
REASONS: dict[type, str] = {
    IsADirectoryError: "a folder",
    FileNotFoundError: "no such file",
    NotADirectoryError: "no such file",
}


@dataclass(frozen=True)
class Glance:
    """First bytes and member names of a file or folder, seen without reading it.

    Attributes
    ----------
    path
        Path of the file or folder.
    start
        First bytes, at most 4,096; none of a folder.
    size
        Size of the file in bytes; 0 for a folder.
    members
        Names of the files in a zip archive, or in a folder.
    """

    path: Path
    start: bytes
    size: int
    members: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, whose files are its members."""
        return not self.start

    def holds(self, *names: str) -> bool:
        """Whether a member has one of these names, in whatever folder."""
        return any(member.rsplit("/", 1)[-1] in names for member in self.members)


def glance(path: Path) -> Glance:
    """Look at a file or folder.

    Raises
    ------
    CheckpointError
        If it cannot be opened, is empty, or is a zip archive that is damaged or would fill memory.
    """
    try:
        kind = path.stat().st_mode  # before it is opened: a pipe would wait for someone who writes
        if stat.S_ISDIR(kind):
            return Glance(path, b"", 0, tuple(sorted(part.name for part in path.iterdir())))
        if not stat.S_ISREG(kind):
            raise CheckpointError(path, found="a pipe, socket or device", expected="a file", do="copy it to a file")
        with path.open("rb") as file:
            start, size = file.read(SHOWN), path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = REASONS.get(type(error), getattr(error, "strerror", None) or first_line(error))
        raise CheckpointError(path, found=reason, expected="a checkpoint file", do="check the path") from error
    if not start:
        raise CheckpointError(path, found="an empty file", expected="a checkpoint file", do="save or copy it again")
    return Glance(path, start, size, _zip_members(path, size) if start.startswith(b"PK") else ())


def _zip_members(path: Path, size: int) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(member.filename, member.file_size) for member in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(
            path,
            found="a zip archive cut short or damaged",
            expected="a whole torch file",
            do="copy or download it again",
        ) from error
    names, declared = [name for name, _ in sizes], sum(length for _, length in sizes)
    if declared > LARGEST_RATIO * size:  # torch does not compress: a zip bomb
        raise CheckpointError(
            path,
            found=f"a zip that unpacks to {declared:,} bytes",
            expected="a torch file",
            do="do not trust this file",
        )
    if len(set(names)) < len(names):  # readers would differ in which of two they take
        raise CheckpointError(path, found="a zip with doubled names", expected="a torch file", do="save it again")
    long = next((name for name, length in sizes if name.rsplit("/", 1)[-1] in MARKS and length > LONGEST_MARK), None)
    if long is not None:  # torch would read all of it, and name it in its error
        found = f"a zip whose {long.rsplit('/', 1)[-1]} is over {LONGEST_MARK:,} bytes long"
        raise CheckpointError(path, found=found, expected="a torch file", do="do not trust this file")
    return tuple(names)

"""Files that a user names."""

from __future__ import annotations

import os
from pathlib import Path

from interp.errors import DataError


def existing(spec: str | Path) -> Path:
    """Give the path of a file that exists and can be read.

    Parameters
    ----------
    spec
        Path as the user gave it.

    Raises
    ------
    DataError
        If there is no such file, it is a folder, or it may not be read.
    """
    path = Path(spec)
    if path.is_dir():
        raise DataError(path, found="a folder", expected="a data file", do="name a file in it")
    if not path.is_file():
        raise DataError(path, found="no such file", expected="a data file", do="check the path")
    if not os.access(path, os.R_OK):
        raise DataError(path, found="a file that may not be read", expected="a data file", do="allow reading it")
    return path


def is_folder(spec: str | Path) -> bool:
    """Say whether a path is that of a folder.

    Parameters
    ----------
    spec
        Path as the user gave it.
    """
    try:
        return Path(spec).is_dir()
    except (OSError, ValueError):  # too long for a path, or with a null byte
        return False

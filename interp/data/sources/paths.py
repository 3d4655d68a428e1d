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
    if is_folder(path):
        raise DataError(path, found="a folder", expected="a data file", do="name a file in it")
    if not os.path.isfile(path):  # noqa: PTH113 - never raises, unlike that of `Path`
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
    return os.path.isdir(spec)  # noqa: PTH112 - as above: of a path too long, or with a null byte

"""Files that a user names."""

from __future__ import annotations

from pathlib import Path

from interp.errors import DataError


def existing(spec: str | Path) -> Path:
    """Give the path of a file that exists.

    Parameters
    ----------
    spec
        Path as the user gave it.

    Raises
    ------
    DataError
        If there is no such file.
    """
    path = Path(spec)
    if not path.is_file():
        raise DataError(path, found="no such file", expected="a data file", do="check the path")
    return path

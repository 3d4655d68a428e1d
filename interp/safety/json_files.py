"""JSON files from anywhere: small ones that name other files or settings, and what runs left in their folders."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from interp.errors import InterpError, first_line

LONGEST = 5_000_000
"""Largest number of bytes of a file of names and settings."""

LONGEST_PAGE = 2_000_000_000
"""Largest number of bytes of the values of a page, a few hundred for each node."""


def read_json(path: Path, longest: int = LONGEST) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path
        Name of the file.
    longest
        Largest number of bytes that it may have.

    Raises
    ------
    FileNotFoundError
        If there is none.
    OSError
        If it cannot be read.
    ValueError
        If it is no regular file, larger than allowed, no JSON, or nested deeper than can be followed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.json")
    ...     _ = path.write_text("[1, 2]")
    ...     read_json(path)
    [1, 2]
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # a pipe would wait for someone who writes
        raise ValueError("no regular file")
    if found.st_size > longest:
        raise ValueError(f"{found.st_size:,} bytes")
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError(first_line(error)) from error


def read_mapping(path: Path, error: type[InterpError], do: str) -> dict[str, Any]:
    """Read a JSON file of names and values.

    Parameters
    ----------
    path
        Name of the file.
    error
        Class of the error where it cannot be read.
    do
        Next step for the user in that case.

    Raises
    ------
    InterpError
        If it is missing, larger than `LONGEST`, no JSON, or JSON of another kind; of the class `error`.

    Examples
    --------
    >>> from interp.errors import DataError
    >>> read_mapping(Path("missing.json"), DataError, "save it again")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    interp.errors.DataError: missing.json: found no readable JSON (...); expected names and values; save it again
    """
    try:
        content = read_json(path)
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__}")
    except (OSError, ValueError) as why:
        raise error(path, found=f"no readable JSON ({first_line(why)})", expected="names and values", do=do) from why
    return content

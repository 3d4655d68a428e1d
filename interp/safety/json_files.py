"""Small JSON files that name other files or settings, such as the config of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interp.errors import InterpError, first_line

LONGEST = 5_000_000
"""Largest number of bytes of such a file."""


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
        if path.stat().st_size > LONGEST:
            raise ValueError(f"{path.stat().st_size:,} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__}")
    except (OSError, ValueError, RecursionError) as why:
        raise error(path, found=f"no readable JSON ({first_line(why)})", expected="names and values", do=do) from why
    return content

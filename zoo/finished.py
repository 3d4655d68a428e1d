"""Rows of finished work, a line of JSON each, so that what was interrupted goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interp.store import write_bytes


def read_finished(file: Path) -> list[dict[str, Any]]:
    """Read the rows of a file; a line that a kill cut off is taken away, so that the next one stands alone.

    Parameters
    ----------
    file
        Lines of JSON; it need not be there.

    Returns
    -------
    list of dict
        Rows, in the order in which they were added.
    """
    content = file.read_bytes() if file.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_bytes(file, whole)
    return [json.loads(line) for line in whole.splitlines()]


def add_finished(file: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a file, which is made where it is missing.

    Parameters
    ----------
    file
        Lines of JSON.
    row
        Plain values by name.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(json.dumps(row) + "\n")

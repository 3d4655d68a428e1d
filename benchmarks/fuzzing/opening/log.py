"""Outcomes on disk as they come, so that a run of hours can be ended at any moment and go on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fuzzing.opening.opening import Outcome


class Log:
    """Outcomes of mutants by their numbers, a line of JSON each.

    Parameters
    ----------
    path
        File, which is gone on with where it is there; None to keep nothing.
    said
        What tells one series of mutants from another: their seed and formats.

    Attributes
    ----------
    known
        Number of a mutant -> format, damage and outcome.
    """

    def __init__(self, path: Path | None, said: Mapping[str, Any]) -> None:
        self._path = path
        self.known: dict[int, tuple[str, str, Outcome]] = {}
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        for line in map(json.loads, lines):
            if "number" in line:
                self.known[line["number"]] = line["format"], line["damage"], Outcome(**line["outcome"])
            elif {key: line[key] for key in said} != said:
                sys.exit(f"{path}: of other mutants ({line}); name another file")
        if path is not None:
            self._write({**said, "commit": _commit()})

    def add(self, number: int, row: tuple[str, str, Outcome]) -> None:
        """Write down what came of one mutant."""
        self._write({"number": number, "format": row[0], "damage": row[1], "outcome": asdict(row[2])})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def _commit() -> str:
    """Give the commit that is checked out, with a plus where the files differ from it."""
    asked = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--abbrev=7"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


NO_LOG = Log(None, {})

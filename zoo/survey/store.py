"""Rows of networks that were read already, one file for all, so that an interrupted survey goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor
from tqdm import tqdm

from zoo.survey.reading import read_network


def rows_of_all(wanted: Mapping[Path, Tensor], file: Path) -> pd.DataFrame:
    """Read what of some networks is not in the file yet; give the rows of all.

    Parameters
    ----------
    wanted
        Checkpoint -> scaled test inputs to read it on.
    file
        Lines of JSON, one a network; made or continued.

    Returns
    -------
    DataFrame
        A row for every hidden layer, in the order of `wanted`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {one["network"]: one["rows"] for one in finished_lines(file)}
    missing = [path for path in wanted if _key(path) not in known]
    with file.open("a") as out:
        for path in tqdm(missing, "networks read", disable=None):
            known[_key(path)] = read_network(path, wanted[path])
            out.write(json.dumps({"network": _key(path), "rows": known[_key(path)]}) + "\n")
            out.flush()
    return pd.DataFrame([row for path in wanted for row in known[_key(path)]])


def _key(path: Path) -> str:
    """Name a network by its file and the time of its last change: one trained anew is read anew."""
    return f"{path.parent.name}/{path.name}:{path.stat().st_mtime_ns}"


def finished_lines(file: Path) -> list[dict[str, Any]]:
    """Read finished lines; the last one may have been cut off by a kill."""
    if not file.exists():
        return []
    found = []
    for line in file.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        found.append(json.loads(line))
    return found

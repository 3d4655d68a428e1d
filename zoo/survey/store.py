"""Rows of networks that were read already, one file for all, so that an interrupted survey goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from torch import Tensor
from tqdm import tqdm

from zoo.finished import add_finished, read_finished
from zoo.survey.reading import Fresh, read_network


def rows_of_all(wanted: Mapping[Path, Tensor], file: Path, shuffle: bool = True) -> pd.DataFrame:
    """Read what of some networks is not in the file yet; give the rows of all.

    Parameters
    ----------
    wanted
        Checkpoint -> scaled test inputs to read it on.
    file
        Lines of JSON, one a network; made or continued.
    shuffle
        Whether networks are read beside shuffled copies too, and not beside fresh ones alone.

    Returns
    -------
    DataFrame
        A row for every hidden layer, in the order of `wanted`.
    """
    known = {one["network"]: one["rows"] for one in read_finished(file)}
    fresh: Fresh = {}
    for path in tqdm([path for path in wanted if _key(path) not in known], "networks read", disable=None):
        known[_key(path)] = read_network(path, wanted[path], fresh, shuffle)
        add_finished(file, {"network": _key(path), "rows": known[_key(path)]})
    return pd.DataFrame([row for path in wanted for row in known[_key(path)]])


def _key(path: Path) -> str:
    """Name a network by its file and the time of its last change: one trained anew is read anew."""
    return f"{path.parent.name}/{path.name}:{path.stat().st_mtime_ns}"

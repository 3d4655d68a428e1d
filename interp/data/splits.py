"""Data given split by split, ``{"train": ..., "test": ...}`` -> arrays by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from interp.data.assemble import NAMES
from interp.data.found import Found, facts_of
from interp.errors import DataError
from interp.types import Dataset, Inference

SPLITS = ("train", "test")


def holds_splits(content: Mapping[str, Any]) -> bool:
    """Tell whether the keys of a mapping are names of splits.

    Parameters
    ----------
    content
        Mapping that a user gave.

    Examples
    --------
    >>> holds_splits({"train": 0, "test": 0}), holds_splits({"train": 0, "x": 0})
    (True, False)
    """
    return "train" in content and set(content) <= set(SPLITS)


def flattened(content: Mapping[str, Any], read: Callable[[Any], Dataset | Mapping[str, Any]]) -> dict[str, Any]:
    """Put the arrays of all splits into one mapping, under their names with the split's ending.

    Parameters
    ----------
    content
        Name of a split -> data of any kind.
    read
        Function that turns such data into arrays by name.

    Returns
    -------
    dict
        Name of an array, such as ``x_train`` -> the array.

    Raises
    ------
    DataError
        If a split has splits of its own, or the splits name classes or columns differently.

    Examples
    --------
    >>> sorted(flattened({"train": {"x": 0, "y": 1}, "test": {"x": 2}}, lambda part: part))
    ['x_test', 'x_train', 'y_train']
    """
    arrays: dict[str, Any] = {}
    facts: dict[str, Inference] = {}
    for split in content:
        part = read(content[split])
        if isinstance(part, Dataset) or any(name.endswith(tuple(f"_{end}" for end in SPLITS)) for name in part):
            raise DataError(
                f"data ({split})",
                found="data that have splits of their own",
                expected="inputs and targets of this split",
                do="give (x, y)",
            )
        names = {key: part[key] for key in NAMES if key in part}
        facts |= facts_of(part)
        for key, value in names.items():
            if key in arrays and not np.array_equal(arrays[key], value):
                raise DataError(
                    f"data ({split})", found=f"other {key}", expected="those of the other split", do="make them alike"
                )
        arrays |= names | {f"{name}_{split}": value for name, value in part.items() if name not in names}
    return Found(arrays, facts)

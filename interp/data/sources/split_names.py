"""What folders, files and parts of a data set are called that hold one split."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "t10k", "validation", "valid", "val", "dev"),
}
"""Split -> usual names of it; the first that is there is taken, so that a test split stands before others."""


def named_splits(find: Callable[[str], T | None]) -> dict[str, T]:
    """Find what is called by a name of each split.

    Parameters
    ----------
    find
        Function that gives what has a name, or None.

    Returns
    -------
    dict
        Split -> what has the first of its names; empty where there is nothing for training.

    Examples
    --------
    >>> named_splits({"training": 1, "val": 2, "test": 3}.get), named_splits({"test": 3}.get)
    ({'train': 1, 'test': 3}, {})
    """
    found: dict[str, T] = {}
    for split, names in SPLITS.items():
        first = next((one for name in names if (one := find(name))), None)
        found |= {} if first is None else {split: first}
    return found if "train" in found else {}

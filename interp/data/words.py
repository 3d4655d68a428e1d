"""Labels that are words -> class indices, the same in all splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interp.data.arrays import as_array
from interp.types import Array, Inference

LABEL_KEYS = ("y", "Y", "labels", "targets", "target", "label")
"""Usual names of an array of labels or targets, without the split's ending."""

ENDS = ("", "_train", "_test")


def numbered_labels(where: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Inference]]:
    """Turn words in arrays of labels into class indices; texts of numbers into these numbers.

    Parameters
    ----------
    where
        Name of the data in errors.
    given
        Arrays by name.

    Returns
    -------
    arrays
        Arrays by name, with ``target_names`` where there are words.
    facts
        Fact ``classes`` with the order of the words; empty without words.

    Examples
    --------
    >>> arrays, facts = numbered_labels("mine", {"y": ["dog", "cat"], "y_test": ["cat"]})
    >>> arrays["y"], arrays["y_test"], arrays["target_names"], facts["classes"].value
    (array([1, 0]), array([0]), ('cat', 'dog'), 'in alphabetical order')
    """
    keys = [stem + end for stem in LABEL_KEYS for end in ENDS if stem + end in given]
    words = {key: array for key in keys if _holds_words(array := as_array(f"{where}, {key}", given[key]))}
    if not words or len(words) < len(keys):
        return dict(given), {}
    texts = {key: _as_text(array) for key, array in words.items()}
    if (numbers := _numbers(texts)) is not None:
        return {**given, **numbers}, {}
    names = np.unique(np.concatenate([array.reshape(-1) for array in texts.values()]))
    indices = {key: np.searchsorted(names, array) for key, array in texts.items()}
    fact = Inference(
        "in alphabetical order", "likely", f"labels are words: {', '.join(names[:6])}{', ...' * (len(names) > 6)}"
    )
    return {**given, **indices, "target_names": tuple(map(str, names))}, {"classes": fact}


def _holds_words(array: Array) -> bool:
    if array.dtype.kind == "O":
        return array.size > 0 and all(isinstance(value, str) for value in array.reshape(-1))
    return array.dtype.kind in "US"


def _as_text(array: Array) -> Array:
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array.astype(str)


def _numbers(texts: Mapping[str, Array]) -> dict[str, Array] | None:
    """Give the numbers that all texts stand for; None where some stand for none."""
    try:
        return {key: array.astype(np.float64) for key, array in texts.items()}
    except ValueError:
        return None

"""Several inputs of a network, side by side in one row of values for each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from interp.errors import DataError
from interp.types import Array, InputPart


def other_arrays(arrays: Mapping[str, Any], usual: Sequence[str], ends: Sequence[str]) -> dict[str, Any]:
    """Give the arrays of a split that have no usual name, by their names without the split's ending.

    Parameters
    ----------
    arrays
        All arrays by name.
    usual
        Usual names of inputs, targets and names.
    ends
        Endings of the split's names, such as ``_train``, in the order in which they are tried.
    """
    for end in ends:
        own = {
            name.removesuffix(end): array
            for name, array in arrays.items()
            if name.endswith(end) and name.removesuffix(end) not in usual and (end or not name.endswith("_test"))
        }
        if own:
            return own
    return {}


def joined(where: str, arrays: Mapping[str, Array]) -> tuple[Array, tuple[InputPart, ...]]:
    """Put arrays side by side in one table, and describe its columns.

    Parameters
    ----------
    where
        Name of the data in errors.
    arrays
        Name -> array (S, ...).

    Returns
    -------
    inputs
        Values of all arrays (S, D), float32 where their types differ.
    parts
        Name and shape of each array, and whether its numbers are left unscaled.

    Raises
    ------
    DataError
        If an array holds no numbers, or their numbers of rows differ.
    """
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or array.ndim < 1 or array.size == 0:
            raise DataError(
                where,
                found=f"{name} of shape {array.shape} and type {array.dtype}",
                expected="numbers, one row a sample",
                do="leave it out, or call the one array of inputs x",
            )
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        said = ", ".join(f"{count} of {name}" for name, count in rows.items())
        raise DataError(where, found=f"rows: {said}", expected="as many of each input", do="make them match")
    parts = tuple(
        InputPart(name, array.shape[1:], array.dtype.kind in "biu" and array.dtype != np.uint8, array.dtype.kind == "b")
        for name, array in arrays.items()
    )
    kinds = {array.dtype for array in arrays.values()}
    flat = [array.reshape(len(array), -1) for array in arrays.values()]
    return np.concatenate(flat, axis=1, dtype=kinds.pop() if len(kinds) == 1 else np.float32), parts


def check_alike(spec: str, first: tuple[InputPart, ...], second: tuple[InputPart, ...]) -> None:
    """Raise `DataError` where the inputs of two splits differ in name or shape."""
    if first and first != second:
        raise DataError(
            spec,
            found=f"inputs {_said(second)} in one split and {_said(first)} in another",
            expected="the same inputs",
            do="make the splits alike",
        )


def _said(parts: tuple[InputPart, ...]) -> str:
    return ", ".join(f"{part.name} {part.shape}" for part in parts)

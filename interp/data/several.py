"""Several arrays that a network takes beside each other, as one row of values a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from interp.errors import DataError
from interp.types import Array, InputPart


def other_arrays(arrays: Mapping[str, Any], usual: Sequence[str], ends: Sequence[str]) -> dict[str, Any]:
    """Give what a split holds under no usual name, by its names without the split's ending."""
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
    """Lay arrays (S, ...) beside each other, (S, D), and say what a row holds.

    Raises
    ------
    DataError
        If they are no numbers, or differ in their rows.
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
        InputPart(name, array.shape[1:], array.dtype.kind in "iu" and array.dtype != np.uint8)
        for name, array in arrays.items()
    )
    kinds = {array.dtype for array in arrays.values()}
    flat = [array.reshape(len(array), -1) for array in arrays.values()]
    return np.concatenate(flat, axis=1, dtype=kinds.pop() if len(kinds) == 1 else np.float32), parts


def check_alike(spec: str, first: tuple[InputPart, ...], second: tuple[InputPart, ...]) -> None:
    """Raise `DataError` where two splits hold other inputs."""
    if first and first != second:
        raise DataError(
            spec,
            found=f"inputs {_said(second)} in one split and {_said(first)} in another",
            expected="the same inputs",
            do="make the splits alike",
        )


def _said(parts: tuple[InputPart, ...]) -> str:
    return ", ".join(f"{part.name} {part.shape}" for part in parts)

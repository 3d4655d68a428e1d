"""Inputs, with or without targets, that are in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interp.data.options import DataOptions
from interp.data.sources.tables.frames import inputs_of_frame, target_of_column
from interp.errors import DataError
from interp.types.annotations.frames import is_frame, is_of_pandas, pd


def from_inputs(content: Any, options: DataOptions) -> dict[str, Any]:
    """Take an array or tensor (S, ...) as inputs without targets."""
    return {"x": content}


def from_pair(content: tuple[Any, ...], options: DataOptions) -> dict[str, Any]:
    """Take ``(inputs, targets)``; several inputs are a tuple of arrays or a mapping, ``((first, second), targets)``.

    Parameters
    ----------
    content
        Pair of inputs and targets.
    options
        Options of reading data; not used.

    Returns
    -------
    dict
        Name of an array -> the array.

    Raises
    ------
    DataError
        If the tuple does not have two parts.
    """
    if len(content) != 2:
        raise DataError(
            "data",
            found=f"a tuple of {len(content)}",
            expected="(inputs, targets)",
            do='give ((first, second), targets) for several inputs, {"train": (x, y), "test": (x, y)} for two splits',
        )
    inputs, targets = content
    return {**named_inputs(inputs), **_named_targets(targets)}


def named_inputs(content: Any) -> dict[str, Any]:
    """Give inputs their names: one is ``x``; several have those of a mapping, or are numbered.

    Parameters
    ----------
    content
        Inputs: an array, a table, a tuple of arrays, or a mapping.

    Examples
    --------
    >>> list(named_inputs([[0.5], [1.5]])), list(named_inputs({"image": 0, "table": 1}))
    (['x'], ['image', 'table'])
    """
    if is_frame(content):
        return inputs_of_frame("data", content)
    if isinstance(content, Mapping):
        return {str(name): values for name, values in content.items()}
    if isinstance(content, tuple) and len(content) > 1 and all(hasattr(part, "shape") for part in content):
        return {f"input{place}": values for place, values in enumerate(content)}
    return {"x": content}


def _named_targets(content: Any) -> dict[str, Any]:
    if is_frame(content) and content.shape[1] == 1:
        content = content.iloc[:, 0]
    return (
        target_of_column("data", content)
        if is_of_pandas(content) and isinstance(content, pd.Series)
        else {"y": content}
    )

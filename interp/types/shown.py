"""Results in one short line for a notebook: what they hold and in which shapes, not the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from interp.types.annotations.frames import is_frame

LONGEST = 400
"""Largest number of characters of a line."""

MOST_LETTERS = 48
MOST_ENTRIES = 4


class ShortRepr:
    """Base of dataclasses, made with ``repr=False``, whose `repr` is `short_repr`."""

    def __repr__(self) -> str:
        return short_repr(self)


def short_repr(value: Any) -> str:
    """Show the fields of a dataclass or named tuple, arrays by type and shape.

    Parameters
    ----------
    value
        Instance of a dataclass or named tuple.

    Returns
    -------
    str
        One line of at most 400 characters.

    Examples
    --------
    >>> from interp.types import Split
    >>> short_repr(Split(np.zeros((3, 2), np.float32), np.array([0, 1, 0])))
    'Split(inputs=float32[3, 2], labels=int64[3], targets=None, lengths=None)'
    """
    name, parts = type(value).__name__, list(_fields(value))
    whole = f"{name}({', '.join(parts)})"
    while len(whole) > LONGEST and parts:
        parts.pop()
        whole = f"{name}({', '.join([*parts, '...'])})"
    return whole


def _fields(value: Any) -> Iterator[str]:
    names = [field.name for field in fields(value) if field.repr] if is_dataclass(value) else value._fields
    for name in names:
        yield f"{name}={_shown(getattr(value, name))}"


def _shown(value: Any) -> str:
    """Show one field's value: plain ones as they are, what holds others by what it holds."""
    if value is None or isinstance(value, bool | int | float | np.generic):
        return repr(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, str):
        return repr(value if len(value) <= MOST_LETTERS else f"{value[: MOST_LETTERS - 3]}...")
    if is_frame(value):
        return f"DataFrame[{len(value)}, {len(value.columns)}]"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array(value)
    if isinstance(value, Mapping):
        return f"{{{_listed([_entry(key, part) for key, part in value.items()])}}}"
    if isinstance(value, tuple | list):
        return f"({_listed([_shown(part) for part in value])}{',' if len(value) == 1 else ''})"
    if is_dataclass(value):
        return f"{type(value).__name__}({getattr(value, 'name', '...')})"
    return f"<{type(value).__name__}>"


def _array(value: Any) -> str:
    """Show type and shape of an array, without how many letters its texts have; a single number as it is."""
    if value.shape == ():
        return repr(value.item())
    kind = "str" if str(value.dtype).startswith("<U") else str(value.dtype)
    return f"{kind}[{', '.join(map(str, value.shape))}]"


def _entry(key: object, value: Any) -> str:
    """Show a key, and its value where that is a number or an array."""
    is_short = value is None or isinstance(value, int | float) or hasattr(value, "dtype")
    return f"{key}: {_shown(value)}" if is_short else str(key)


def _listed(parts: list[str]) -> str:
    more = [f"... {len(parts)} in all"] if len(parts) > MOST_ENTRIES else []
    return ", ".join([*(part[:MOST_LETTERS] for part in parts[:MOST_ENTRIES]), *more])

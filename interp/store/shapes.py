"""Checks that a result read from a file is as the fields of its class say; later stages trust it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pandas as pd

from interp.types.annotations.fields import field_types
from interp.types.annotations.shapes import Columns, Holds, Shape

KINDS: Mapping[Holds, str] = {"numbers": "biuf", "whole numbers": "iu", "text": "UO"}
"""Kind of values -> letters of numpy's kinds of types."""

PLAIN: Mapping[Any, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,)}
"""Type of a field -> the types that its value may have once it was read."""

Lengths = dict[str, int]
"""Letter of an axis -> its length."""


def check_shapes(result: Any) -> Lengths:
    """Check a result against the annotations of its class.

    Parameters
    ----------
    result
        Instance of a dataclass with annotated fields.

    Returns
    -------
    dict
        Letter of an axis -> its length in this result.

    Raises
    ------
    ValueError
        If a value is of another type than its field, an array holds something else or has another shape, an axis has
        two lengths, or a column of a table holds something else.

    Examples
    --------
    >>> import numpy as np
    >>> from interp.types import Split
    >>> check_shapes(Split(np.zeros((3, 2)), np.array([0, 1, 0])))
    {'S': 3, 'I': 2}
    """
    lengths: Lengths = {}
    _check_fields(result, lengths)
    return lengths


def _check_fields(result: Any, lengths: Lengths) -> None:
    for field, expected in field_types(type(result)).items():
        check_value(f"{type(result).__name__}.{field}", getattr(result, field), expected, lengths)


def check_value(name: str, value: Any, expected: Any, lengths: Lengths) -> None:
    """Check a value against the type of its field; see `check_shapes`.

    Parameters
    ----------
    name
        Name of the field, for the error.
    value
        Value of the field.
    expected
        Type of the field with its annotations; values of types that are not in files are not looked at.
    lengths
        Lengths of the axes seen so far; those of this value are added.

    Raises
    ------
    ValueError
        If the value is not as its field says.
    """
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Annotated:
        shapes = [said for said in arguments[1:] if isinstance(said, Shape | Columns)]
        for said in shapes:
            _check_said(name, value, said, lengths)
        if not shapes:
            check_value(name, value, arguments[0], lengths)
    elif origin in (Union, UnionType):
        if value is not None or NoneType not in arguments:
            check_value(name, value, next(part for part in arguments if part is not NoneType), lengths)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        _check_type(name, value, Mapping)
        for key, part in value.items():
            check_value(f"{name}[{key!r}]", part, arguments[1], lengths)
    elif is_dataclass(expected) and isinstance(expected, type):
        _check_type(name, value, expected)
        _check_fields(value, lengths)
    elif origin is Literal and value not in arguments:
        raise ValueError(f"{name} is {value!r}")
    elif expected in PLAIN:
        _check_type(name, value, *PLAIN[expected])


def _check_type(name: str, value: Any, *types: type) -> None:
    if not isinstance(value, types):
        raise ValueError(f"{name} is of type {type(value).__name__}")


def _check_said(name: str, value: Any, said: Shape | Columns, lengths: Lengths) -> None:
    """Hold a value against one annotation."""
    if isinstance(said, Shape):
        _check_array(name, value, said, lengths)
    else:
        _check_columns(name, value, said)


def _check_array(name: str, array: Any, said: Shape, lengths: Lengths) -> None:
    axes = said.axes.split()
    kinds, length = KINDS[said.holds], getattr(array, "shape", None)
    if length is None or array.dtype.kind not in kinds or len(length) != len(axes):
        raise ValueError(f"{name} is no array {said} of {said.holds}")
    if said.or_empty and length[0] == 0:
        return
    for axis, found in zip(axes, length, strict=True):
        if (int(axis) if axis.isdecimal() else lengths.setdefault(axis, found)) != found:
            raise ValueError(f"{name} of shape {length} where {said} was expected, {axis} = {lengths.get(axis, axis)}")


def _check_columns(name: str, table: Any, said: Columns) -> None:
    """Hold the columns that are there against what they should hold; an empty one may be of any kind."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"{name} is no table")
    kinds = KINDS["numbers"]
    odd = [one for one in said.numbers.split() if one in table and len(table) and table[one].dtype.kind not in kinds]
    odd += [one for one in said.text.split() if one in table and any(not isinstance(v, str) for v in table[one])]
    if odd:
        raise ValueError(f"{name} with other values in {', '.join(odd)}")


def missing_columns(result: Any) -> list[str]:
    """List the columns that a result's tables lack; a table without rows may lack all.

    Parameters
    ----------
    result
        Instance of a dataclass, of which some fields are tables.

    Returns
    -------
    list of str
        Field and column, such as ``curves.level``.
    """
    return [
        f"{field}.{column}"
        for field, said in _tables(type(result))
        for column in said.names
        if len(getattr(result, field)) and column not in getattr(result, field)
    ]


def _tables(cls: type) -> Iterator[tuple[str, Columns]]:
    """Yield the fields that are tables, with their columns."""
    for field, expected in field_types(cls).items():
        for said in get_args(expected)[1:] if get_origin(expected) is Annotated else ():
            if isinstance(said, Columns):
                yield field, said

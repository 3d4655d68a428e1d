"""Whether values are as annotations say: fields of results read from files, and arguments that a user gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from itertools import repeat
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np

from interp.types.annotations.fields import field_types
from interp.types.annotations.flags import Meant, Within
from interp.types.annotations.frames import is_frame, is_frame_type
from interp.types.annotations.shapes import Columns, Holds, Shape

KINDS: Mapping[Holds, str] = {"numbers": "biuf", "whole numbers": "iu", "text": "UO"}
"""What an array holds -> kinds of numpy's types."""

PLAIN: Mapping[Any, tuple[type, ...]] = {int: (Integral,), float: (Real,), str: (str,), bool: (bool,)}
"""Plain type -> the types that a value may have; True and False are no numbers."""

NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "True or False",
    Path: "a path",
    NoneType: "None",
    Mapping: "a mapping",
    Sequence: "a list",
    tuple: "a tuple or list",
    Iterable: "a list or generator",
    Callable: "a function",
}
"""Type -> what it is called in errors; any other by its own name."""

SHORT = 60
"""Letters of a value that is shown in an error."""

Lengths = dict[str, int]
"""Letter of an axis -> its length."""


class Misfit(ValueError):
    """A value is not as its annotation says.

    Parameters
    ----------
    where
        Name of the field or argument.
    found
        Description of the value.
    expected
        Description of what it should have been.
    """

    def __init__(self, where: str, found: str, expected: str) -> None:
        self.where, self.found, self.expected = where, found, expected
        super().__init__(f"{where}: found {found}; expected {expected}")


class ArrayMisfit(Misfit):
    """An array or table holds something else, or has another shape."""


def check_shapes(result: Any) -> Lengths:
    """Hold a result against the annotations of its class.

    Parameters
    ----------
    result
        Dataclass, whose fields are annotated.

    Returns
    -------
    dict
        Letter of an axis -> its length in this result.

    Raises
    ------
    Misfit
        If a value is of another type than its field, an array holds something else or has another shape, an axis has
        two lengths, or a column of a table holds something else.
    """
    lengths: Lengths = {}
    _check_fields(type(result).__name__, result, lengths)
    return lengths


def _check_fields(name: str, result: Any, lengths: Lengths) -> None:
    for field, expected in field_types(type(result)).items():
        check_value(f"{name}.{field}", getattr(result, field), expected, lengths)


def check_value(name: str, value: Any, expected: Any, lengths: Lengths) -> None:
    """Hold a value against a type with its annotations; raises as `check_shapes` does.

    Parameters
    ----------
    name
        Name of the field or argument, for the error.
    value
        Value of the field or argument.
    expected
        Type; what is of none of the types below, such as an array without annotation, is not looked at.
    lengths
        Lengths of the axes seen so far; those of this value are added.
    """
    origin, arguments = get_origin(expected) or expected, get_args(expected)
    if origin is Annotated:
        _check_annotated(name, value, arguments, lengths)
    elif origin in (Union, UnionType):
        _check_any(name, value, arguments, lengths)
    elif origin is Literal:
        _check(isinstance(value, str) and value in arguments, name, value, f"one of {', '.join(map(str, arguments))}")
    elif origin in PLAIN:
        fits = isinstance(value, PLAIN[origin]) and (origin is bool or not isinstance(value, bool))
        _check(fits, name, value, NAMES[origin])
    elif origin is Callable or (getattr(origin, "_is_protocol", False) and "__call__" in vars(origin)):
        _check(callable(value), name, value, NAMES[Callable])
    elif isinstance(origin, type) and origin not in (object, Any) and not getattr(origin, "_is_protocol", False):
        _check_class(name, value, origin, arguments, lengths)


def _check_class(name: str, value: Any, kind: type, arguments: tuple[Any, ...], lengths: Lengths) -> None:
    """Hold a value against a class, and what it holds against the types of that."""
    if kind is np.ndarray:  # without annotation: lists are arrays too, which whoever takes them makes of them
        return
    is_text = isinstance(value, str) and kind in (Sequence, Iterable)
    _check(isinstance(value, (tuple, list) if kind is tuple else kind) and not is_text, name, value, called(kind))
    if is_dataclass(kind):
        _check_fields(name, value, {})
    for key, part, expected in _parts(value, kind, arguments):
        check_value(f"{name}[{key!r}]", part, expected, lengths)


def _parts(value: Any, kind: type, arguments: tuple[Any, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield key or place, value and type of what a mapping, list or tuple holds."""
    if issubclass(kind, Mapping) and len(arguments) == 2:
        yield from ((key, part, arguments[1]) for key, part in value.items())
    elif kind in (tuple, Sequence) and arguments:
        each = arguments if kind is tuple and Ellipsis not in arguments else repeat(arguments[0])
        yield from ((place, part, one) for place, (part, one) in enumerate(zip(value, each, strict=False)))


def _check_any(name: str, value: Any, kinds: tuple[Any, ...], lengths: Lengths) -> None:
    """Hold a value against one type after the other; what is wrong within it says more than that it is none of them."""
    problems = []
    for kind in kinds:
        try:
            check_value(name, value, kind, lengths)
            return
        except Misfit as problem:
            problems.append(problem)
    within = [problem for problem in problems if problem.where != name or isinstance(problem, ArrayMisfit)]
    if within and value is not None:
        raise within[0]
    raise Misfit(name, shown(value), " or ".join(called(kind) for kind in kinds))


def _check_annotated(name: str, value: Any, arguments: tuple[Any, ...], lengths: Lengths) -> None:
    """Hold a value against its annotations; where none says more, against the type alone."""
    kind, *said = arguments
    told = next((one for one in said if isinstance(one, Shape | Columns)), None)
    try:
        if isinstance(told, Shape):
            _check_array(name, value, told, lengths)
        elif isinstance(told, Columns):
            _check_columns(name, value, told)
        else:
            check_value(name, value, kind, lengths)
    except ArrayMisfit:
        raise
    except Misfit as problem:
        raise problem if problem.where != name else Misfit(name, problem.found, _words(kind, said)) from None
    if isinstance(value, Real):
        _check(all(one.holds(float(value)) for one in said if isinstance(one, Within)), name, value, _words(kind, said))


def _words(kind: Any, said: Sequence[Any]) -> str:
    """Say what a type with its annotations is."""
    meant = next((one.expected for one in said if isinstance(one, Meant)), called(kind))
    return " ".join([meant, *(str(one) for one in said if isinstance(one, Within) and str(one))])


def _check(fits: bool, name: str, value: Any, expected: str) -> None:
    if not fits:
        raise Misfit(name, shown(value), expected)


def called(kind: Any) -> str:
    """Say what a type is called in errors.

    Examples
    --------
    >>> called(int), called(str | None), called(Within)
    ('a whole number', 'text or None', 'a Within')
    """
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is Annotated:
        return called(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(called(one) for one in arguments)
    name = getattr(origin, "__name__", str(origin))
    if is_frame_type(origin):
        return "a table"
    return NAMES.get(origin) or f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def shown(value: Any) -> str:
    """Show a plain value that is short, and what any other is.

    Examples
    --------
    >>> shown(0), shown("x" * 100), shown([1]), shown(int), shown(None)
    ('0', 'a str', 'a list', 'the class int', 'None')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or (isinstance(value, Real | str) and len(repr(value)) <= SHORT):
        return repr(value)
    if (shape := getattr(value, "shape", None)) is not None and hasattr(value, "dtype"):
        return f"{value.dtype} of shape {tuple(shape)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _check_array(name: str, array: Any, said: Shape, lengths: Lengths) -> None:
    axes = said.axes.split()
    length: tuple[int, ...] = getattr(array, "shape", ())
    kind = getattr(getattr(array, "dtype", None), "kind", "none")
    if kind not in KINDS[said.holds] or len(length) != len(axes):
        raise ArrayMisfit(name, shown(array), f"an array {said} of {said.holds}")
    if said.or_empty and length[0] == 0:
        return
    for axis, found in zip(axes, length, strict=True):
        if (int(axis) if axis.isdecimal() else lengths.setdefault(axis, found)) != found:
            where = "" if axis.isdecimal() else f" where {axis} = {lengths[axis]:,}"
            raise ArrayMisfit(name, f"shape {tuple(length)}", f"{said}{where}")


def _check_columns(name: str, table: Any, said: Columns) -> None:
    """Hold the columns that are there against what they should hold; an empty one may be of any kind."""
    if not is_frame(table):
        raise ArrayMisfit(name, shown(table), "a table")
    kinds = KINDS["numbers"]
    odd = [one for one in said.numbers.split() if one in table and len(table) and table[one].dtype.kind not in kinds]
    odd += [one for one in said.text.split() if one in table and any(not isinstance(v, str) for v in table[one])]
    if odd:
        raise ArrayMisfit(name, f"other values in {', '.join(odd)}", "text or numbers, as the class says")


def missing_columns(result: Any) -> list[str]:
    """List the columns that a result's tables lack; a table without rows may lack all."""
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

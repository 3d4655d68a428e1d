"""Fields of a dataclass: their types with annotations, and their meaning as the docstring gives it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from interp.types.annotations.shapes import Columns


def field_types(cls: type) -> Mapping[str, Any]:
    """Give the type of each field of a dataclass, with its annotations.

    Parameters
    ----------
    cls
        Dataclass; another class has no fields.

    Returns
    -------
    dict
        Name of a field -> type; empty where annotations name what only a type checker imports.

    Examples
    --------
    >>> from interp.types import GaussianFit
    >>> field_types(GaussianFit)["class_mean"].__metadata__
    (Shape(axes='C N', holds='numbers', or_empty=False),)
    """
    if not is_dataclass(cls):
        return {}
    try:
        return _resolved(cls)
    except NameError:  # a user's class, whose annotations name what only a type checker imports: nothing is known of it
        return {}


@cache
def _resolved(cls: type) -> Mapping[str, Any]:
    hints = get_type_hints(cls, localns=_imported(), include_extras=True)
    return MappingProxyType({field.name: hints[field.name] for field in fields(cls)})


def _imported() -> dict[str, Any]:
    """Give what `interp.types` imports for type checkers alone, where something else has imported it."""
    return {name: sys.modules[name] for name in ("torch",) if name in sys.modules}


def table_columns(cls: type, name: str) -> list[str]:
    """List the columns of a field that is a table, text columns first.

    Parameters
    ----------
    cls
        Dataclass of results.
    name
        Name of a field that is annotated with `Columns`.

    Raises
    ------
    ValueError
        If the field is no such table.

    Examples
    --------
    >>> from interp.types import Effects
    >>> table_columns(Effects, "balance")
    ['layer', 'node', 'class', 'samples', 'above']
    """
    said = [part for part in get_args(field_types(cls).get(name))[1:] if isinstance(part, Columns)]
    if not said:
        raise ValueError(f"{cls.__name__}.{name} is no table with columns")
    return list(said[0].names)


def field_meanings(cls: type) -> Mapping[str, str]:
    """Read the meaning of each field off the "Attributes" of a class's docstring.

    Parameters
    ----------
    cls
        Class with a numpydoc docstring.

    Returns
    -------
    dict
        Name of a field -> description, in one line.

    Examples
    --------
    >>> from interp.types import GaussianFit
    >>> field_meanings(GaussianFit)["components"]
    'Number of components after merging.'
    """
    _, _, section = (inspect.getdoc(cls) or "").partition("Attributes\n----------\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if not line.startswith(" "):
            names = line.split(", ")
        for name in names if line.startswith(" ") else ():
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found

"""The user's own code by its name, ``package.module:name``: the one place that imports and calls it.

Whatever that code does wrong, from a syntax error to `SystemExit`, is one line that says what and where.
"""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from interp.errors import InterpError, UsageError, first_line, unknown_name

Value = TypeVar("Value")

OURS = str(Path(__file__).parents[1])
"""Folder of this package, whose lines are not the user's own."""


def is_import(spec: str) -> bool:
    """Tell whether a text names code to import, as ``package.module:name``.

    Parameters
    ----------
    spec
        Name, path or any other text.

    Examples
    --------
    >>> is_import("mypackage.data:load"), is_import("digits")
    (True, False)
    """
    module, colon, name = spec.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


def import_name(spec: str, where: str) -> Any:
    """Import ``package.module:name``, looking in the current folder too.

    Parameters
    ----------
    spec
        Dotted name of a module, a colon, and a name in that module, which may have dots.
    where
        Option or place that asks for it, for the error.

    Returns
    -------
    object
        Value of that name.

    Raises
    ------
    UsageError
        If the module does not run to its end, or has no such name.

    Examples
    --------
    >>> import_name("math:tau", "--data")
    6.283185307179586
    """
    module, _, name = spec.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # importing runs the user's module, which fails in its own way
        raise UsageError(
            f"{where} {spec}",
            found=problem(error),
            expected="an importable package.module:name",
            do="check the spelling and the folder you run from",
        ) from error
    return found


def look_up(name: str, known: Mapping[str, Value], where: str) -> Value:
    """Give what a name stands for: an entry of a dict, or the user's own as ``package.module:name``.

    Parameters
    ----------
    name
        Key of `known`, or name of code to import.
    known
        Mapping from names to values.
    where
        Option or place that asks for it, for the error.

    Returns
    -------
    Value
        Entry of the dict, or the imported object.

    Raises
    ------
    UsageError
        If there is no such name, or it cannot be imported.

    Examples
    --------
    >>> look_up("two", {"one": 1, "two": 2}, "--number"), look_up("math:tau", {"one": 1}, "--number")
    (2, 6.283185307179586)
    """
    if name in known:
        return known[name]
    if ":" not in name:
        raise unknown_name(where, name, known)
    found: Value = import_name(name, where)
    return found


def call_name(spec: str, where: str) -> Any:
    """Import ``package.module:name`` and call it without arguments.

    Parameters
    ----------
    spec
        Dotted name of a module, a colon, and a name in that module.
    where
        Option or place that asks for it, for the error.

    Returns
    -------
    object
        Result of the call.

    Raises
    ------
    UsageError
        If it cannot be imported, needs arguments, or fails.

    Examples
    --------
    >>> call_name("builtins:dict", "--data")
    {}
    """
    return called(import_name(spec, where), f"{where} {spec}")


def called(
    function: Callable[[], Value],
    where: str,
    expected: str = "a callable that needs no arguments",
    do: str = "wrap it in a function",
) -> Value:
    """Call code of the user's; whatever it raises becomes one line.

    Parameters
    ----------
    function
        Function without arguments.
    where
        Option or place that asks for it, for the error.
    expected, do
        Words of the error: the code that was expected, and the user's next step.

    Returns
    -------
    Value
        Result of the call.

    Raises
    ------
    UsageError
        If it fails; an `InterpError` that it raises is passed on.

    Examples
    --------
    >>> called(lambda: 3, "--model")
    3
    """
    try:
        return function()
    except InterpError:
        raise
    except (Exception, SystemExit) as error:  # the user's code fails in its own way
        raise UsageError(where, found=problem(error), expected=expected, do=do) from error


def problem(error: BaseException) -> str:
    """Say in one line what went wrong in the user's code, and in which line of which file.

    Parameters
    ----------
    error
        Exception that the code raised.

    Returns
    -------
    str
        Message of the exception, with its type where that says more, and the place.

    Examples
    --------
    >>> problem(KeyError()), problem(ModuleNotFoundError("No module named 'mine'"))
    ('KeyError', "No module named 'mine'")
    """
    said, kind = first_line(error), type(error).__name__
    words = said if isinstance(error, (ImportError, AttributeError)) or said == kind else f"{kind}: {said}"
    return words if isinstance(error, SyntaxError) else f"{words}{_place(error)}"


def _place(error: BaseException) -> str:
    """Name the user's own line that led to an error; empty where there is none."""
    folders = (*(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")), OURS)
    others = (*(f"{folder}{os.sep}" for folder in folders), "<")  # `interp_models.py` is not in `interp`
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(others)]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""

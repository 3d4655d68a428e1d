"""The errors a user can meet, each with where, what was found, what was expected and what to do.

InterpError
├── CheckpointError   a model file that cannot be read, or read as a network
├── DataError         inputs or labels that cannot be used
├── MismatchError     files that belong to another model, data set or version
└── UsageError        an option, name or output folder that cannot be used
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral

__all__ = [
    "CheckpointError",
    "DataError",
    "InterpError",
    "MismatchError",
    "UsageError",
    "check_kind",
    "check_seed",
    "check_whole",
    "first_line",
    "unknown_name",
]


LISTS = 2000
"""Largest number of letters of what is expected and to be done, which may list names to choose from."""


class InterpError(Exception):
    """A problem that the user can solve, printed as one line.

    Parameters
    ----------
    where
        File, layer or option concerned.
    found
        Value or state that was found there.
    expected
        Value or state that would have been right.
    do
        Next step for the user.

    Examples
    --------
    >>> str(InterpError("x.npz", found="no such file", expected="a data file", do="check the path"))
    'x.npz: found no such file; expected a data file; check the path'
    """

    def __init__(self, where: object, *, found: str, expected: str, do: str) -> None:
        self.where, self.found, self.expected, self.do = map(str, (where, found, expected, do))
        right = f"expected {_short(self.expected, LISTS)}; {_short(self.do, LISTS)}"
        super().__init__(_one_line(f"{_short(self.where)}: found {_short(self.found)}; {right}"))


def _one_line(text: str) -> str:
    """Replace what is not printable: a name in a file could otherwise move the cursor or fake a second line."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in " ".join(text.split()))


def _short(text: str, most: int = 400) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def first_line(error: BaseException, most: int = 160) -> str:
    r"""Give the first line of an error's message, or its type where it has none.

    Parameters
    ----------
    error
        Any exception.
    most
        Largest number of letters.

    Examples
    --------
    >>> first_line(ValueError("no such\nthing")), first_line(EOFError())
    ('no such', 'EOFError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0][:most]


class CheckpointError(InterpError):
    """A model file cannot be read, or cannot be interpreted as a network."""


class DataError(InterpError):
    """Inputs or labels cannot be used."""


class MismatchError(InterpError):
    """A file belongs to another model, data set or version."""


class UsageError(InterpError):
    """An option, a name or an output folder cannot be used."""


def unknown_name(where: str, name: str, known: Iterable[str]) -> UsageError:
    """Make the error for a wrong name, which names those that are spelled alike.

    Parameters
    ----------
    where
        Option or argument that has the name.
    name
        Name that was given.
    known
        Names that exist.

    Examples
    --------
    >>> str(unknown_name("--data", "minst", ["mnist", "digits"]))
    "--data: found 'minst'; expected one of digits, mnist; did you mean mnist?"
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=3)
    do = f"did you mean {' or '.join(close)}?" if close else "choose one of these"
    return UsageError(where, found=repr(name), expected=f"one of {', '.join(names)}", do=do)


def check_kind(where: str, value: object, kind: type | tuple[type, ...], do: str) -> None:
    """Raise `UsageError` where an argument of the user's is of another class than a function takes.

    Parameters
    ----------
    where
        Name of the argument.
    value
        Value that was given.
    kind
        Class that the value should have, or several of them.
    do
        Next step for the user, such as how to make a value of that class.

    Raises
    ------
    UsageError
        If the value has none of these classes.

    Examples
    --------
    >>> check_kind("model", "net.pt", dict, do="open it first")
    Traceback (most recent call last):
    interp.errors.UsageError: model: found a str; expected a dict; open it first
    """
    if not isinstance(value, kind):
        names = [one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,))]
        found = f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
        raise UsageError(where, found=found, expected=f"a {' or '.join(names)}", do=do)


def check_whole(where: str, value: object, least: int) -> None:
    """Raise `UsageError` where an argument of the user's is no whole number of at least `least`.

    Parameters
    ----------
    where
        Name of the argument.
    value
        Value that was given.
    least
        Smallest number that is accepted.

    Raises
    ------
    UsageError
        If the value is smaller, or no whole number.

    Examples
    --------
    >>> check_whole("k", 0, 1)
    Traceback (most recent call last):
    interp.errors.UsageError: k: found 0; expected a whole number from 1 on; change it
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise UsageError(where, found=repr(value), expected=f"a whole number from {least} on", do="change it")


def check_seed(value: object) -> None:
    """Raise `UsageError` where a user's seed is none that numpy's generators take.

    Parameters
    ----------
    value
        Value that was given.

    Raises
    ------
    UsageError
        If the value is negative, or no whole number.

    Examples
    --------
    >>> check_seed(-1)
    Traceback (most recent call last):
    interp.errors.UsageError: seed: found -1; expected a whole number from 0 on; change it
    """
    check_whole("seed", value, 0)

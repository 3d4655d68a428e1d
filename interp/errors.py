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


class InterpError(Exception):
    """A problem the user can act on, printed as one line.

    Parameters
    ----------
    where
        The file, layer or option concerned.
    found, expected
        What was there, and what should have been.
    do
        What the user can do about it.
    """

    def __init__(self, where: object, *, found: str, expected: str, do: str) -> None:
        self.where, self.found, self.expected, self.do = str(where), found, expected, do
        super().__init__(_one_line(f"{_short(str(where))}: found {_short(found)}; expected {expected}; {do}"))


def _one_line(text: str) -> str:
    """Keep a hostile name from moving the cursor or faking a second line."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in " ".join(text.split()))


def _short(text: str, most: int = 400) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def first_line(error: BaseException, most: int = 160) -> str:
    r"""Give an error's own words in one short line, or its type where it has none.

    Examples
    --------
    >>> first_line(ValueError("no such\nthing")), first_line(EOFError())
    ('no such', 'EOFError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0][:most]


class CheckpointError(InterpError):
    """A model file cannot be read, or not as a network."""


class DataError(InterpError):
    """Inputs or labels cannot be used."""


class MismatchError(InterpError):
    """A file belongs to another model, data set or version."""


class UsageError(InterpError):
    """An option, a name or an output folder cannot be used."""


def unknown_name(where: str, name: str, known: Iterable[str]) -> UsageError:
    """Build the error for a wrong name, with the close ones.

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
    """Raise `UsageError` where a user gave something of another kind than a function takes.

    Parameters
    ----------
    where
        What the argument is called.
    value
        What was given.
    kind
        Class that it should be of, or several.
    do
        Where the user gets such a value.

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
    """Raise `UsageError` where a user gave something other than a whole number from `least` on.

    Examples
    --------
    >>> check_whole("k", 0, 1)
    Traceback (most recent call last):
    interp.errors.UsageError: k: found 0; expected a whole number from 1 on; change it
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise UsageError(where, found=repr(value), expected=f"a whole number from {least} on", do="change it")


def check_seed(value: object) -> None:
    """Raise `UsageError` where a seed of numpy's generators cannot be made of what a user gave."""
    check_whole("seed", value, 0)

"""What stands on options and arguments: their ranges, their words, and how a user says them on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class Within:
    """A range on a field, ``Annotated[int, Within(low=1)]``, both ends included.

    Attributes
    ----------
    low, high
        Least and largest value allowed; None for any.

    Examples
    --------
    >>> str(Within(low=1)), str(Within(0, 10_000)), Within(low=1).holds(float("nan"))
    ('from 1 on', 'from 0 to 10,000', False)
    """

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range; NaN lies in none."""
        is_above = self.low is None or value >= self.low
        return is_above and (self.high is None or value <= self.high) and value == value

    def __str__(self) -> str:
        if self.high is None:
            return "" if self.low is None else f"from {self.low:,} on"
        return f"up to {self.high:,}" if self.low is None else f"from {self.low:,} to {self.high:,}"


Seed = Annotated[int, Within(0, 2**32 - 1)]
"""Seed that every random number generator takes."""


@dataclass(frozen=True)
class Flag(Within):
    """A mark on a field, ``Annotated[int, Flag(low=1)]``, that makes it a setting under the field's name.

    The description of the setting is that of the field in the docstring of its class; type and default are the field's
    own.

    Attributes
    ----------
    name
        Name of the setting, where the field's own would not be understood alone.
    default
        Words for the default in ``--help``, if the field's default value does not tell.
    read
        Function of what a user gave and the setting's name in errors that gives the value, where a type and a range do
        not say what is allowed.
    """

    name: str | None = None
    default: str | None = None
    read: Callable[[Any, str], Any] | None = None


@dataclass(frozen=True)
class Meant:
    """What an argument of several types is, in words: ``Annotated[str | Path, Meant("a path", do="give one")]``.

    Attributes
    ----------
    expected
        Words for what it should be.
    do
        Remedy for a user whose value is something else.
    """

    expected: str
    do: str

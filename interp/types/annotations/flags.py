"""Flags: marks on the fields of option classes that make them settings of the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """A mark on a field, ``Annotated[int, Flag(low=1)]``, that makes it a setting under the field's name.

    The description of the setting is that of the field in the docstring of its class; type and default are the field's
    own.

    Attributes
    ----------
    name
        Name of the setting, where the field's own would not be understood alone.
    low, high
        Least and largest value allowed; None for any.
    default
        Words for the default in ``--help``, if the field's default value does not tell.
    """

    name: str | None = None
    low: float | None = None
    high: float | None = None
    default: str | None = None

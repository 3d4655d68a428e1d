"""What makes a field of an options class something that a user can say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """A mark on a field, ``Annotated[int, Flag(low=1)]``: a user can say its value, by the field's name.

    What the field means is said once, in the docstring of its class; its type and default are the field's own.

    Attributes
    ----------
    name
        Name by which it is said, where the field's own would not be understood alone.
    low, high
        Least and largest value allowed; None for any.
    default
        Words for what happens where it is not said, if the field's default does not tell.
    """

    name: str | None = None
    low: float | None = None
    high: float | None = None
    default: str | None = None

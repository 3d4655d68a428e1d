"""Long work in parts, so that what was done of it before an interrupt can be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

Part = TypeVar("Part")


class Keep(Protocol):
    """What gives a part of long work: as an earlier call has kept it, or else made now."""

    def __call__(self, name: str, make: Callable[[], Part], kind: type | None = None) -> Part:
        """Give the part of a name.

        Parameters
        ----------
        name
            What the part is called, once in the work.
        make
            Function that makes it.
        kind
            Class of the part, or of each member where it is a tuple; None for the class of what the work gives.
        """


def made_now(name: str, make: Callable[[], Part], kind: type | None = None) -> Part:
    """Make a part, and keep nothing: a `Keep` for work that is not interrupted.

    Examples
    --------
    >>> made_now("the answer", lambda: 6 * 7)
    42
    """
    return make()

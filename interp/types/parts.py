"""Long work in parts, so that what was done of it before an interrupt can be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

Part = TypeVar("Part")


class Keep(Protocol):
    """A function that gives a part of long work: as an earlier call has kept it, or else made now."""

    def __call__(self, name: str, make: Callable[[], Part], kind: type | None = None) -> Part:
        """Give the part of a name.

        Parameters
        ----------
        name
            Name of the part, such as that of a layer.
        make
            Function that makes it.
        kind
            Class of the part, or of each member where it is a tuple; None for the class of the work's results.
        """


def made_now(name: str, make: Callable[[], Part], kind: type | None = None) -> Part:
    """Make a part, and keep nothing: a `Keep` for work that is not interrupted.

    Parameters
    ----------
    name
        Name of the part, such as that of a layer.
    make
        Function that makes it.
    kind
        Class of the part; of no use here.

    Examples
    --------
    >>> made_now("the answer", lambda: 6 * 7)
    42
    """
    return make()

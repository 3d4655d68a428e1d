"""Long work in parts, so that what was done of it before an interrupt can be kept, and parts divided over processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Part = TypeVar("Part")

Makes = Iterable[tuple[str, Callable[[], Part]]]
"""Name of each part and the function that makes it, in order; the name, and nothing else, says which part it is."""

AtOnce = Callable[[Iterable[Callable[[], Part]]], Iterable[Part]]
"""Function that calls functions without arguments, some at once, and gives what they give, in order."""


class Keep(Protocol):
    """Gives parts of long work: as an earlier run has kept them, or else made now."""

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

    def each(self, makes: Makes[Part], kind: type | None = None, at_once: AtOnce[Part] | None = None) -> list[Part]:
        """Give several parts, none of which needs another: several processes may make some of them each.

        Parameters
        ----------
        makes
            Name of each part and the function that makes it.
        kind
            Class of each part, as of one.
        at_once
            Function that makes several parts, some at once; None to make one after the other.
        """


def in_turn(makes: Iterable[Callable[[], Part]]) -> Iterator[Part]:
    """Call functions one after the other.

    Parameters
    ----------
    makes
        Functions without arguments.

    Examples
    --------
    >>> list(in_turn([lambda: 1, lambda: 2]))
    [1, 2]
    """
    return (make() for make in makes)


class MadeNow:
    """A `Keep` for work that is neither interrupted nor divided: makes every part, and keeps nothing.

    Examples
    --------
    >>> made_now("the answer", lambda: 6 * 7)
    42
    >>> made_now.each([("one", lambda: 1), ("two", lambda: 2)])
    [1, 2]
    """

    def __call__(self, name: str, make: Callable[[], Part], kind: type | None = None) -> Part:
        """Make a part."""
        return make()

    def each(self, makes: Makes[Part], kind: type | None = None, at_once: AtOnce[Part] | None = None) -> list[Part]:
        """Make several parts."""
        return list((at_once or in_turn)(make for _, make in makes))


made_now = MadeNow()

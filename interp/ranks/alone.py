"""What work needs to know of the processes that share it, and one process that shares with none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class Ranks:
    """Processes that work on one thing, numbered from 0; this class is a process alone, whose share is everything.

    All of them run the same code and meet where they exchange something, so a stage asks for its share and for what
    all have found, and need not know whether there are others.

    Attributes
    ----------
    rank
        Number of this process, from 0.
    size
        Number of processes.

    Examples
    --------
    >>> ranks = Ranks()
    >>> ranks.is_first, ranks.has(7), ranks.joined({0: "a", 1: "b"}), ranks.from_first(lambda: "c")
    (True, True, ['a', 'b'], 'c')
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes results and speaks to the user."""
        return self.rank == 0

    @property
    def beside(self) -> tuple[int, ...]:
        """Numbers of the processes on the same machine, this one among them, ascending."""
        return (self.rank,)

    def has(self, index: int) -> bool:
        """Whether an item of divided work is this process's: items go round.

        Parameters
        ----------
        index
            Number of the item, from 0.
        """
        return index % self.size == self.rank

    def told(self, value: Value) -> list[Value]:
        """Tell all processes something, and give what each of them told, by rank.

        All processes call this and the methods below in the same order, and none of them leaves a call out.

        Parameters
        ----------
        value
            Value of this process, which can be pickled.

        Raises
        ------
        JobError
            If another process has ended.
        """
        return [value]

    def joined(self, mine: Mapping[int, Value]) -> list[Value]:
        """Give what all processes made of divided work, in the order of the items; errors as of `told`.

        Parameters
        ----------
        mine
            Number of an item -> what this process made of it.
        """
        made = {index: value for part in self.told(dict(mine)) for index, value in part.items()}
        return [made[index] for index in sorted(made)]

    def from_first(self, make: Callable[[], Value]) -> Value:
        """Give what the first process makes, which all wait for; errors as of `told`.

        All processes call it, in the same order among their exchanges: these have no names, and one that is called out
        of turn gives what was told in another.

        Parameters
        ----------
        make
            Function that makes it, called in the first process alone.
        """
        found: Value | None = self.told(make() if self.is_first else None)[0]
        return found  # type: ignore[return-value]  # the first process made it


ALONE = Ranks()

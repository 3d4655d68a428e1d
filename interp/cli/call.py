"""A command as it was typed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """A command as it was typed.

    Attributes
    ----------
    program
        Words before the command, such as ``("python", "-m", "interp")``.
    command
        Name of the command.
    words
        Words after the command.

    Examples
    --------
    >>> Call(("interp", "report"), "report", ("my net.pt", "--seed", "3")).typed
    "interp report 'my net.pt' --seed 3"
    """

    program: tuple[str, ...]
    command: str
    words: tuple[str, ...]

    @property
    def typed(self) -> str:
        """The whole line, for a shell."""
        return shlex.join((*self.program, *self.words))

"""A command as it was typed."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, field


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
    begun
        Reading of `time.perf_counter` when the program began, before its imports.

    Examples
    --------
    >>> Call(("interp", "report"), "report", ("my net.pt", "--seed", "3")).typed
    "interp report 'my net.pt' --seed 3"
    """

    program: tuple[str, ...]
    command: str
    words: tuple[str, ...]
    begun: float = field(default_factory=time.perf_counter, compare=False)

    @property
    def typed(self) -> str:
        """The whole line, for a shell."""
        return shlex.join((*self.program, *self.words))

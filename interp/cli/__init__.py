"""The program for a terminal: ``interp COMMAND``, the same as ``python -m interp COMMAND``."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from interp.cli.guard import guarded
    from interp.cli.parser import Parser

__all__ = ["Parser", "guarded"]

_HOMES = {"interp.cli.guard": ("guarded",), "interp.cli.parser": ("Parser",)}

if not TYPE_CHECKING:  # a program imports this before it can answer to Ctrl-C
    __getattr__ = on_first_use(__name__, _HOMES)

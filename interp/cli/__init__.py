"""The program for a terminal: ``interp COMMAND``, the same as ``python -m interp COMMAND``."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from typing import Any

    from interp.cli.guard import guarded
    from interp.cli.parser import Parser

__all__ = ["Parser", "guarded"]

_HOMES = {"Parser": "interp.cli.parser", "guarded": "interp.cli.guard"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: a program imports this before it can answer to Ctrl-C."""
    if name not in _HOMES:
        raise AttributeError(f"module 'interp.cli' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

"""The commands of ``python -m zoo``."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from zoo.cli.arguments import parser

__all__ = ["parser"]

_HOMES = {"zoo.cli.arguments": ("parser",)}

if not TYPE_CHECKING:
    __getattr__ = on_first_use(__name__, _HOMES)

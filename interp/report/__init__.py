"""The page: results in, one self-contained report.html with its report.json and figures out."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from typing import Any

    from interp.report.page import write_report
    from interp.report.sections import SECTIONS

__all__ = ["SECTIONS", "write_report"]

_HOMES = {"SECTIONS": "interp.report.sections", "write_report": "interp.report.page"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: ``python -m interp.report`` imports this before it can answer to Ctrl-C."""
    if name not in _HOMES:
        raise AttributeError(f"module 'interp.report' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

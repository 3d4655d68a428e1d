"""The page: results in, one self-contained report.html with its report.json and figures out."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from interp.report.page import write_report
    from interp.report.sections import SECTIONS

__all__ = ["SECTIONS", "write_report"]

_HOMES = {"interp.report.page": ("write_report",), "interp.report.sections": ("SECTIONS",)}

if not TYPE_CHECKING:  # a program imports this before it can answer to Ctrl-C
    __getattr__ = on_first_use(__name__, _HOMES)

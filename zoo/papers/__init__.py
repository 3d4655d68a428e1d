"""The papers' experiments, one file a paper: what to train, what to measure, what was published."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; here the papers' rooms import the options, and so this room

if TYPE_CHECKING:
    from zoo.papers.options import ReproduceOptions, nothing_finished
    from zoo.papers.papers import PAPERS

__all__ = ["PAPERS", "ReproduceOptions", "nothing_finished"]

_HOMES = {"zoo.papers.options": ("ReproduceOptions", "nothing_finished"), "zoo.papers.papers": ("PAPERS",)}

if not TYPE_CHECKING:
    __getattr__ = on_first_use(__name__, _HOMES)

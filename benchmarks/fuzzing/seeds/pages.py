"""Folders with the page of a run, and what later commands read of it: baselines, timings, names of figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzzing.seeds.data import run_in
from interp.report.page import write_report
from interp.run import run_stages
from interp.run.pipeline import results_of

NOT_OURS = "notes.txt"
"""Name of a file in each folder of a page, and in its folder of figures, that nobody may remove."""


def _page(folder: Path) -> str:
    """Write the page and its files, the timings, and files that are not ours; without the results."""
    run = run_in(folder / "file")
    write_report(results_of(run, run_stages(run)), run.out, "interp report")
    for path in run.out.glob("*.h5"):
        path.unlink()
    for place in (run.out, run.out / "figures"):
        (place / NOT_OURS).write_text("mine")
    return "file"


def _baseline(folder: Path) -> str:
    _page(folder)
    (folder / "file" / "report.json").rename(folder / "baseline.json")
    return "baseline.json"


PAGES: dict[str, Callable[[Path], str]] = {"page of a run": _page}
BASELINES: dict[str, Callable[[Path], str]] = {"baseline": _baseline}
"""Name -> a function that writes into a folder and says what is to be opened there."""

"""Judge the stored cells of a report anew, without its networks: for rules that changed after the runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from interp.errors import UsageError
from interp.store import write_text
from zoo.papers.report.cells import Cell
from zoo.papers.report.page import head, markdown_table
from zoo.papers.report.stored import frame, read_cells, whole

TABLE = "| cell | published |"
DIGITS = 4


def rejudge(folder: Path) -> Path:
    """Write a report's verdicts anew: the head of its page, its tables of cells, and the file of cells.

    Everything else of the page, figures and sentences, stays as the run wrote it.

    Parameters
    ----------
    folder
        Folder of the report, with ``README.md`` and ``cells.csv``.

    Returns
    -------
    Path
        Path of ``README.md``.

    Raises
    ------
    UsageError
        If the folder holds no report with cells.

    Examples
    --------
    >>> rejudge(Path("nowhere"))
    Traceback (most recent call last):
    interp.errors.UsageError: nowhere: found no README.md with cells.csv; expected a report; name its folder
    """
    page, file = folder / "README.md", folder / "cells.csv"
    if not page.is_file() or not file.is_file():
        raise UsageError(folder, found="no README.md with cells.csv", expected="a report", do="name its folder")
    cells = read_cells(file)
    title, *blocks = page.read_text().rstrip("\n").split("\n\n")
    kept = [_judged_again(block, cells) for block in blocks if not _is_head(block)]
    write_text(page, "\n\n".join([title, *head(cells), *kept]) + "\n")
    write_text(file, whole(cells).to_csv(index=False))
    return page


def _is_head(block: str) -> bool:
    return block.startswith("*Power of the rules.*") or (block.startswith("**") and "are reproduced" in block)


def _judged_again(block: str, cells: Sequence[Cell]) -> str:
    """Print a table of cells anew; any other block stays."""
    if not block.startswith(TABLE):
        return block
    names = [row.split(" | ")[0].removeprefix("| ") for row in block.splitlines()[2:]]
    return markdown_table(frame(cells).loc[names], DIGITS)

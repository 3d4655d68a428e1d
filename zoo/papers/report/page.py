"""A reproduction report: Markdown with figures and a CSV of cells, each written whole."""

from __future__ import annotations

import io
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import torch

from interp.store import write_bytes, write_text
from zoo.papers.report.cells import Cell
from zoo.papers.report.judging import judge_all, power_sentences, tally
from zoo.papers.report.stored import frame, whole

MOST_NAMED = 20


@dataclass(frozen=True)
class CellTable:
    """Place of a table of cells on a page; judged when all of the page's cells are known.

    Attributes
    ----------
    names
        Names of the cells.
    digits
        Number of significant digits.
    """

    names: tuple[str, ...]
    digits: int


@dataclass
class Page:
    """A report on a reproduction: collects what is shown, then writes it into its folder.

    Attributes
    ----------
    folder
        Folder of the report, such as ``reports/as-nn``.
    title
        Title of the report.
    parts
        Paragraphs of Markdown and tables of cells, in order.
    cells
        Published numbers beside ours, in order.
    """

    folder: Path
    title: str
    parts: list[str | CellTable] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    def add(self, *paragraphs: str) -> None:
        """Append paragraphs of Markdown."""
        self.parts.extend(paragraphs)

    def section(self, title: str, *paragraphs: str) -> None:
        """Start a section with a title and, after it, paragraphs of Markdown."""
        self.add(f"## {title}", *paragraphs)

    def table(self, table: pd.DataFrame, digits: int = 4) -> None:
        """Append a table, its index as the first column, numbers to `digits` significant digits."""
        self.add(markdown_table(table, digits))

    def compare(self, cells: Sequence[Cell], digits: int = 4) -> None:
        """Append cells as a table, numbers to `digits` significant digits, and keep them for the CSV file."""
        self.cells.extend(cells)
        self.parts.append(CellTable(tuple(cell.cell for cell in cells), digits))

    def figure(self, name: str, figure: Any, caption: str) -> None:
        """Save a figure and show it.

        Parameters
        ----------
        name
            Name of the file, without the ending ``.png``.
        figure
            Figure of matplotlib.
        caption
            Caption below the figure, which is its text alternative too.

        Raises
        ------
        UsageError
            If the file cannot be written.
        """
        buffer = io.BytesIO()
        with mpl.rc_context({"savefig.bbox": "tight"}):
            figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        write_bytes(self.folder / f"{name}.png", buffer.getbuffer())
        self.add(f"![{caption}]({name}.png)", f"*{caption}*")

    def write(self) -> Path:
        """Write ``README.md`` and ``cells.csv`` into the folder.

        What people know of the runs and the program does not, they write into ``notes.md`` beside: it is never written
        here, and stands at the head of every page.

        Returns
        -------
        Path
            Path of ``README.md``.

        Raises
        ------
        UsageError
            If a file cannot be written.
        """
        if self.cells:
            write_text(self.folder / "cells.csv", whole(self.cells).to_csv(index=False))
        notes = self.folder / "notes.md"
        by_hand = [notes.read_text().strip()] if notes.exists() else []
        parts = [part if isinstance(part, str) else self._shown(part) for part in self.parts]
        text = "\n\n".join([f"# {self.title}", *head(self.cells), *by_hand, *parts, environment()])
        path = self.folder / "README.md"
        write_text(path, text + "\n")
        return path

    def _shown(self, table: CellTable) -> str:
        return markdown_table(frame(self.cells).loc[list(table.names)], table.digits)


def markdown_table(table: pd.DataFrame, digits: int = 4) -> str:
    """Format a frame as a Markdown table.

    Parameters
    ----------
    table
        Table, whose index becomes the first column.
    digits
        Number of significant digits of numbers; NaN becomes ``-``.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"b": [1.5]}, index=pd.Index(["x"], name="a"))))
    | a | b |
    |---|---|
    | x | 1.5 |
    """
    names = ", ".join(str(name) for name in table.index.names if name is not None)
    head = [names, *map(_label, table.columns)]
    rows = [[_label(index), *row] for index, row in zip(table.index, table.itertuples(index=False), strict=True)]
    lines = [head, ["---"] * len(head), *([_text(value, digits) for value in row] for row in rows)]
    return "\n".join(_line(cells) for cells in lines)


def head(cells: Sequence[Cell]) -> list[str]:
    """Say how many cells are reproduced, name the others, and say what the rules could have found; nothing of none.

    Parameters
    ----------
    cells
        Published numbers beside ours.
    """
    if not cells:
        return []
    right, judged = tally(cells)
    missed = [f"`{cell.cell}`" for cell, one in zip(cells, judge_all(cells), strict=True) if one.reproduced is False]
    share = f" ({100 * right / judged:.0f} %)" if judged else ""
    rest = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    named = f" Not reproduced: {', '.join(missed[:MOST_NAMED])}{rest}." if missed else ""
    power = [f"*Power of the rules.* {' '.join(power_sentences(cells))}"] if judged else []
    return [
        f"**{right} of the {judged} cells that count are reproduced{share}.**{named} "
        f"{len(cells) - judged} more are shown and do not count, each with the reason. All stand in "
        "`cells.csv`; the rules in `zoo/papers/report/judging.py`.",
        *power,
    ]


def hardware() -> str:
    """Say that there was no GPU; an empty text where there is one.

    Examples
    --------
    >>> hardware() == "" if torch.cuda.is_available() else "CPU" in hardware()
    True
    """
    return "" if torch.cuda.is_available() else "No GPU was to be had: these are the runs that a CPU did."


def environment() -> str:
    """State the versions and the device that the numbers were computed with."""
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only, no GPU"
    return f"---\n\nPython {platform.python_version()}, torch {torch.__version__.split('+')[0]}, {where}."


def _label(name: object) -> str:
    """Print a row's or column's name; those of several levels as words."""
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _line(cells: Iterable[str]) -> str:
    cells = list(cells)
    return "|" + "|".join(cells) + "|" if set(cells) == {"---"} else "| " + " | ".join(cells) + " |"


def _text(value: Any, digits: int) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.{digits}g}"
    return str(value)

"""Cells as a table and as a file, and back: what a file holds is enough to judge anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from zoo.papers.report.cells import Cell
from zoo.papers.report.judging import judge_all

SHOWN = ("published", "ours", "spread", "runs", "reproduced", "rule")
"""Columns that a page shows."""
NUMBERS = tuple(field.name for field in fields(Cell) if field.type == "float")
"""Columns that are read to the last digit, which pandas 2 does not do by itself and pandas 3 needs no option for."""
WORDS: dict[bool | None, str] = {True: "yes", False: "no", None: "-"}


def frame(cells: Sequence[Cell]) -> pd.DataFrame:
    """Tabulate judged cells as a page shows them, the cell's name as the index.

    Parameters
    ----------
    cells
        Published numbers beside ours.
    """
    return whole(cells).set_index("cell")[list(SHOWN)].rename_axis("cell")


def whole(cells: Sequence[Cell]) -> pd.DataFrame:
    """Tabulate all that is known of cells, and what is said of them.

    Parameters
    ----------
    cells
        Published numbers beside ours.

    Returns
    -------
    DataFrame
        Columns by the fields of `Cell`, whose ``rule`` becomes the rule with its limits; ``reproduced`` and
        ``refuses_other`` are yes, no or -.
    """
    table = pd.DataFrame([asdict(cell) for cell in cells], columns=[field.name for field in fields(Cell)])
    judged = judge_all(cells)
    table = table.rename(columns={"rule": "kind"})
    for name in ("reproduced", "refuses_other"):
        table[name] = [WORDS[getattr(one, name)] for one in judged]
    return table.assign(rule=[one.said for one in judged])


def read_cells(file: Path) -> list[Cell]:
    """Read the cells of a report back.

    Parameters
    ----------
    file
        File ``cells.csv`` of a report.
    """
    names = [field.name for field in fields(Cell)]
    table = (
        pd.read_csv(file, dtype={"why": object}, converters=dict.fromkeys(NUMBERS, _number))
        .drop(columns="rule")
        .rename(columns={"kind": "rule"})
    )
    table["why"] = table["why"].fillna("")
    return [Cell(**row) for row in table[names].to_dict("records")]


def _number(text: str) -> float:
    """Read a number; NaN where there is none."""
    return float(text or "nan")

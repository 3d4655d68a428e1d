"""Sections to one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from interp.report.drawing.pictures import Picture
from interp.report.tables import numbers
from interp.report.tables.any_cell import cell_html, cell_key, numeric
from interp.tasks import find_task
from interp.types import KINDS, UNSAMPLED, Results, Section, Table

HERE = Path(__file__).parent
FOLDED = 8  # figures of a section beyond these are folded away
ROWS = 300  # rows of a table beyond these are only in report.json


def render(results: Results, sections: Mapping[str, Section], pictures: Mapping[str, Picture]) -> str:
    """Give the whole page as HTML; everything that comes from files is escaped.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    sections
        Key -> section, in page order.
    pictures
        Name of a figure -> picture.
    """
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(
        title=_title(results),
        tiles=_tiles(results),
        alerts=results.verdict.alerts,
        kinds=[*KINDS, *([UNSAMPLED] if any(UNSAMPLED in part.counts for part in results.boundaries.values()) else [])],
        sections={key: _section(section) for key, section in sections.items()},
        pictures=pictures,
        folded=FOLDED,
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
    )


def _title(results: Results) -> str:
    path = results.model.path.replace("\\", "/").rstrip("/")
    return PurePosixPath(path).name or "network"


def _tiles(results: Results) -> list[tuple[str, str, str]]:
    """Give the few facts that a reader looks for first: label, value, note."""
    model, name = results.model, find_task(results.model.task).score
    tiles = [
        (f"{split} {name.words}", name.shown(score), _samples(results, split)) for split, score in model.scores.items()
    ]
    nodes = sum(layer.nodes for layer in model.layers)
    names = f"{len(model.layers)} layers" if len(model.layers) != 1 else "1 layer"
    return [
        *tiles,
        ("nodes", numbers.number(nodes), names),
        ("data", results.data.name, f"{results.data.width:,} inputs"),
    ]


def _samples(results: Results, split: str) -> str:
    found = results.data.splits.get(split)
    return f"{len(found):,} samples" if found is not None else ""


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "text": section.text,
        "figures": section.figures,
        "tables": [_table(table) for table in section.tables],
    }


def _table(table: Table) -> dict[str, Any]:
    values = [table.frame[column].tolist() for column in table.frame.columns]
    columns = [
        {"name": str(name), "numeric": _mostly_numeric(column)}
        for name, column in zip(table.frame.columns, values, strict=True)
    ]
    rows = [[{"html": cell_html(value), "key": cell_key(value)} for value in row] for row in zip(*values, strict=True)]
    return {
        "caption": table.caption,
        "sortable": table.sortable,
        "columns": columns,
        "rows": rows[:ROWS],
        "left_out": max(len(rows) - ROWS, 0),
    }


def _mostly_numeric(column: list[Any]) -> bool:
    return bool(column) and sum(map(numeric, column)) * 2 > len(column)

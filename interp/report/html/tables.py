"""A table as the templates take it, cut off where it is long."""

from __future__ import annotations

from typing import Any

from interp.report.tables.any_cell import cell_html, cell_key, numeric
from interp.types import Table

ROWS = 300
"""Number of rows of a table beyond which they are only in the page's JSON."""


def table_parts(table: Table) -> dict[str, Any]:
    """Give the columns and rows of a table as the templates take them.

    Parameters
    ----------
    table
        Table of a section.
    """
    values = [table.frame[column].tolist() for column in table.frame.columns]
    columns = [
        {"name": str(name), "numeric": _mostly_numeric(column), "meaning": table.meanings.get(str(name), "")}
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

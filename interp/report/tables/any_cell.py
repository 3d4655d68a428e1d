"""Any cell of a table as HTML, and what its column is sorted by."""

from __future__ import annotations

import numbers as abstract
from typing import Any

from markupsafe import Markup, escape

from interp.report.tables import numbers
from interp.report.tables.cells import Shown


def cell_html(value: Any) -> Markup:
    """Give the HTML of any cell; plain text is escaped, plain numbers are rounded."""
    if hasattr(value, "html") and hasattr(value, "json"):
        return Markup(value.html())
    if isinstance(value, str | bool):
        return escape(value)
    if value is None or _is_number(value):
        return Markup('<span class="num">{}</span>').format(numbers.number(value))
    return escape(str(value))


def cell_key(value: Any) -> Any:
    """Give what a column is sorted by; empty for what is missing."""
    if hasattr(value, "key"):
        return value.key()
    if _is_number(value):
        return float(value) if numbers.finite(value) else ""
    return "" if value is None else str(value)


def numeric(value: Any) -> bool:
    """Tell whether a cell is aligned as a number."""
    return isinstance(value, Shown) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, abstract.Real) and not isinstance(value, bool)

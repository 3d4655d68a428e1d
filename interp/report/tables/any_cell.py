"""Any cell of a table as HTML, and the key that its column is sorted by."""

from __future__ import annotations

import numbers as abstract
from typing import Any

from markupsafe import Markup, escape

from interp.report.tables import numbers
from interp.report.tables.cells import Shown


def cell_html(value: Any) -> Markup:
    """Give the HTML of a cell; plain text is escaped, plain numbers are rounded.

    Parameters
    ----------
    value
        Cell of `interp.report.tables.cells`, number, text or None.

    Examples
    --------
    >>> str(cell_html("<b>"))
    '&lt;b&gt;'
    """
    if hasattr(value, "html") and hasattr(value, "json"):
        return Markup(value.html())
    if isinstance(value, str | bool):
        return escape(value)
    if value is None or _is_number(value):
        return Markup('<span class="num">{}</span>').format(numbers.number(value))
    return escape(str(value))


def cell_key(value: Any) -> Any:
    """Give the key that a column is sorted by.

    Parameters
    ----------
    value
        Cell of `interp.report.tables.cells`, number, text or None.

    Returns
    -------
    float or str
        Number or text; empty text for what is missing.

    Examples
    --------
    >>> cell_key(0.5), cell_key(float("nan"))
    (0.5, '')
    """
    if hasattr(value, "key"):
        return value.key()
    if _is_number(value):
        return float(value) if numbers.finite(value) else ""
    return "" if value is None else str(value)


def numeric(value: Any) -> bool:
    """Tell whether a cell is aligned as a number.

    Parameters
    ----------
    value
        Cell of `interp.report.tables.cells`, number, text or None.

    Examples
    --------
    >>> numeric(0.5), numeric("0.5")
    (True, False)
    """
    return isinstance(value, Shown) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, abstract.Real) and not isinstance(value, bool)

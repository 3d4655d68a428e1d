"""How the score of the task and its changes are printed: shares in percent and points, R² as it is."""

from __future__ import annotations

from typing import Any

from interp.report.tables import cells
from interp.tasks import Score


def score_cell(name: Score, value: Any, low: Any = None, high: Any = None) -> cells.Shown:
    """Show a score, with its interval where known."""
    return cells.share(value, low, high) if name.share else cells.fixed(value, 3, low, high)


def change_cell(name: Score, value: Any, low: Any = None, high: Any = None) -> cells.Shown:
    """Show a change of score, with its interval where known."""
    return cells.points(value, low, high) if name.share else cells.fixed(value, 3, low, high)


def unit_of_change(name: Score, what: str) -> str:
    """Say what changes are given in; `what` is measured."""
    return f"in percentage points of {what}" if name.share else f"of {what}"


def paired_test(name: Score) -> str:
    """Name the test behind a q-value."""
    return "McNemar's paired test" if name.share else "the paired t-test of squared errors"

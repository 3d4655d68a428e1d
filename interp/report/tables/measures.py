"""How the score of the task and its changes are printed: shares in percent and points, R² as it is."""

from __future__ import annotations

from typing import Any

from interp.report.tables import cells
from interp.tasks.tasks import R2, ScoreName


def score_cell(name: ScoreName, value: Any, low: Any = None, high: Any = None) -> cells.Shown:
    """Show a score, with its interval where known."""
    return cells.fixed(value, 3, low, high) if name == R2 else cells.share(value, low, high)


def change_cell(name: ScoreName, value: Any, low: Any = None, high: Any = None) -> cells.Shown:
    """Show a change of score, with its interval where known."""
    return cells.fixed(value, 3, low, high) if name == R2 else cells.points(value, low, high)


def unit_of_change(name: ScoreName, what: str) -> str:
    """Say what changes are given in; `what` is measured."""
    return f"of {what}" if name == R2 else f"in percentage points of {what}"


def paired_test(name: ScoreName) -> str:
    """Name the test behind a q-value."""
    return "the paired t-test of squared errors" if name == R2 else "McNemar's paired test"

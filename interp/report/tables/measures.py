"""Scores of the task and their changes as printed: shares in percent and points, R² as it is."""

from __future__ import annotations

from typing import Any

from interp.report.tables import cells
from interp.tasks import Score


def score_cell(name: Score, value: Any, low: Any = None, high: Any = None) -> cells.Shown:
    """Show a score, with its interval where known.

    Parameters
    ----------
    name
        Score of the task.
    value
        Value of the score.
    low, high
        Ends of the interval; None or NaN where unknown.

    Examples
    --------
    >>> from interp.tasks import ACCURACY, R2
    >>> score_cell(ACCURACY, 0.975).text, score_cell(R2, 0.975).text
    ('97.5 %', '0.975')
    """
    return cells.share(value, low, high) if name.share else cells.fixed(value, 3, low, high)


def change_cell(name: Score, value: Any, low: Any = None, high: Any = None) -> cells.Shown:
    """Show a change of score, with its interval where known.

    Parameters
    ----------
    name
        Score of the task.
    value
        Change of the score.
    low, high
        Ends of the interval; None or NaN where unknown.

    Examples
    --------
    >>> from interp.tasks import ACCURACY, R2
    >>> change_cell(ACCURACY, 0.012).text, change_cell(R2, 0.012).text
    ('+1.2', '0.012')
    """
    return cells.points(value, low, high) if name.share else cells.fixed(value, 3, low, high)


def unit_of_change(name: Score, what: str) -> str:
    """Say in which unit changes are given.

    Parameters
    ----------
    name
        Score of the task.
    what
        Words for the score.

    Examples
    --------
    >>> from interp.tasks import ACCURACY
    >>> unit_of_change(ACCURACY, "accuracy")
    'in percentage points of accuracy'
    """
    return f"in percentage points of {what}" if name.share else f"of {what}"


def paired_test(name: Score) -> str:
    """Name the test behind a q-value.

    Parameters
    ----------
    name
        Score of the task.
    """
    return "McNemar's paired test" if name.share else "the paired t-test of squared errors"

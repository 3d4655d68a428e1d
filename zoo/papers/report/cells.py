"""Published cells beside ours: what is known of each, from which `judging` says whether it is reproduced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

READ_OFF = 1.0
"""Distance that is always forgiven where a number was read off a grid, in the grid's unit."""


@dataclass(frozen=True)
class Cell:
    """One number of a paper beside ours.

    Attributes
    ----------
    cell
        Table, row and column, such as ``table 3 / error / abs``.
    published, ours
        Published number and ours, in the paper's own unit; NaN where there is none.
    spread
        Standard deviation of ours over runs; NaN for counts.
    runs
        Number of our runs.
    rule
        Name of the rule by which it is judged, a key of `judging.RULES`, or ``none``.
    why
        Reason why there is no rule.
    their_runs
        Number of runs of the paper; 0 where no rule needs it.
    their_spread
        Standard deviation over the paper's runs; NaN where it prints none.
    rounding
        Distance that is always forgiven: half a unit of the last printed digit.
    of, their_of
        Number of things among which ours were counted, and the paper's; 0 but for counts.
    p, their_p
        p-value of our test and of the published one; NaN but for decisions.
    """

    cell: str
    published: float
    ours: float
    spread: float
    runs: int
    rule: str = "none"
    why: str = ""
    their_runs: int = 0
    their_spread: float = math.nan
    rounding: float = 0.0
    of: int = 0
    their_of: int = 0
    p: float = math.nan
    their_p: float = math.nan


def mean_cell(
    cell: str,
    published: float,
    values: Sequence[float],
    *,
    digits: int,
    their_runs: int,
    their_spread: float = 0.0,
    rule: str = "mean",
) -> Cell:
    """Compare a mean over runs with the published one.

    Parameters
    ----------
    cell
        Table, row and column.
    published
        Published mean.
    values
        Our values, one a run.
    digits
        Number of decimals that the paper prints.
    their_runs
        Number of runs of the paper.
    their_spread
        Standard deviation over the paper's runs; 0 where it prints none.
    rule
        Name of the rule, ``mean`` or ``read``.

    Examples
    --------
    >>> mean_cell("table 1 / accuracy", 97.5, [97.4, 97.5, 97.7], digits=1, their_runs=10).runs
    3
    """
    ours, spread, runs = _summary(values)
    if runs == 0 or (runs == 1 and not their_spread):
        return bare_cell(cell, published, values, "one run has no spread" if runs else "no value")
    rounding = 0.5 * 10.0**-digits if rule == "mean" else READ_OFF
    known = their_spread or math.nan  # one that is printed as 0.00 is not known
    return Cell(cell, published, ours, spread, runs, rule, their_runs=their_runs, their_spread=known, rounding=rounding)


def extreme_cell(cell: str, published: float, values: Sequence[float], *, largest: bool, digits: int) -> Cell:
    """Compare the largest or least of ten runs with the published one.

    Parameters
    ----------
    cell
        Table, row and column.
    published
        Published extreme of ten runs.
    values
        Our values, one a run.
    largest
        Whether the number is the largest of the runs; else the least.
    digits
        Number of decimals that the paper prints.

    Examples
    --------
    >>> extreme_cell("table 1 / max", 97.9, [97.4, 97.5, 97.7], largest=True, digits=1).ours
    97.7
    """
    _, spread, runs = _summary(values)
    ours = float(np.max(values) if largest else np.min(values))
    return Cell(cell, published, ours, spread, runs, "extreme", rounding=0.5 * 10.0**-digits)


def count_cell(cell: str, published: float, ours: int, of: int, *, their_of: int | None = None, runs: int = 1) -> Cell:
    """Compare a count with the published one.

    Parameters
    ----------
    cell
        Table, row and column.
    published
        Published count.
    ours
        Our count; it is shown as its share of `their_of`.
    of
        Number of things among which ours were counted.
    their_of
        Number of things among which the paper's were counted; None for the same as ours.
    runs
        Number of repetitions that our count is pooled over.

    Examples
    --------
    >>> count_cell("table 3 / coherent", 277, 5500, of=6000, their_of=300, runs=20).ours
    275.0
    """
    number = their_of or of
    return Cell(cell, published, ours / of * number, math.nan, runs, "count", of=of, their_of=number)


def bare_cell(cell: str, published: float, values: Sequence[float], why: str, *, runs: int | None = None) -> Cell:
    """Show a number without judging it.

    Parameters
    ----------
    cell
        Table, row and column.
    published
        Published number.
    values
        Our values, one a run.
    why
        Reason why there is no rule.
    runs
        Number of runs where one value stands for several; None for the number of values.

    Examples
    --------
    >>> bare_cell("table 1 / accuracy", 97.5, [], "no finished network").why
    'no finished network'
    """
    ours, spread, counted = _summary(values)
    return Cell(cell, published, ours, spread, counted if runs is None else runs, why=why)


def decision_cell(
    cell: str, published: tuple[float, float], ours: tuple[float, float], runs: int, their_runs: int
) -> Cell:
    """Compare what two paired tests decide; their sizes depend on the number of runs.

    Parameters
    ----------
    cell
        Table, row and column.
    published, ours
        Statistic t and p-value of the published test and of ours.
    runs, their_runs
        Number of our runs, and of the paper's.

    Examples
    --------
    >>> decision_cell("scale 0.1 / t / abs", (5.5, 3e-5), (2.9, 0.01), runs=10, their_runs=20).p
    0.01
    """
    (their_t, their_p), (t, p) = published, ours
    return Cell(cell, their_t, t, math.nan, runs, "decision", their_runs=their_runs, p=p, their_p=their_p)


def _summary(values: Sequence[float]) -> tuple[float, float, int]:
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array)]
    if not len(array):
        return math.nan, math.nan, 0
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else math.nan, len(array)

"""Published cells beside ours, and the rules by which they agree.

===========  ======================================================================================
rule         a cell is reproduced if
===========  ======================================================================================
mean         |published - ours| <= 3 s sqrt(1/n + 1/n'), or half a unit of the last printed digit
extreme      the same with the spread of a largest or least of ten normal draws, 0.587 s
count        the published count lies in the central 99 % of a binomial with our share
read         a number read off a 1 % grid: within 3 standard errors of the mean, and at least 1
decision     a paired test: the same sign, and p below 0.05 in both or in neither; needs 4 runs
none         no rule: shown, and not counted
===========  ======================================================================================

s is our standard deviation over runs, or the published one where that is larger; n and n' the runs of
ours and theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd
from scipy import stats

EXTREME_OF_TEN = 0.587  # standard deviation of the largest of ten standard normal draws
SIGMAS, COVERAGE = 3.0, 0.99
LEVEL, FEWEST_TESTED = 0.05, 4  # of the paired tests


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
    reproduced
        Whether the rule holds; None without a rule.
    rule
        Name of the rule in the table above, with the limits that it compared with.
    """

    cell: str
    published: float
    ours: float
    spread: float
    runs: int
    reproduced: bool | None
    rule: str


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

    Returns
    -------
    Cell
        Both numbers; not judged without a value, or with one run and no published standard deviation.

    Examples
    --------
    >>> mean_cell("table 1 / accuracy", 97.5, [97.4, 97.5, 97.7], digits=1, their_runs=10).reproduced
    True
    """
    ours, spread, runs = _summary(values)
    if runs == 0 or (runs == 1 and not their_spread):
        return Cell(
            cell, published, ours, spread, runs, None, f"none: {'one run has no spread' if runs else 'no value'}"
        )
    rounding = 0.5 * 10.0**-digits if rule == "mean" else 1.0
    wide = np.nanmax([spread, their_spread])
    limit = max(SIGMAS * wide * math.sqrt(1 / max(runs, 1) + 1 / max(their_runs, 1)), rounding)
    return Cell(cell, published, ours, spread, runs, _within(published, ours, limit), f"{rule}: within {limit:.2g}")


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
    limit = max(SIGMAS * EXTREME_OF_TEN * spread * math.sqrt(2), 0.5 * 10.0**-digits)
    return Cell(cell, published, ours, spread, runs, _within(published, ours, limit), f"extreme: within {limit:.2g}")


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
    >>> cell = count_cell("table 3 / coherent", 277, 5500, of=6000, their_of=300, runs=20)
    >>> cell.ours, cell.rule
    (275.0, 'count: 262 to 286')
    """
    number = their_of or of
    low, high = stats.binom.interval(COVERAGE, number, ours / of)
    fits = bool(low <= published <= high)
    return Cell(cell, published, ours / of * number, math.nan, runs, fits, f"count: {low:.0f} to {high:.0f}")


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
    >>> bare_cell("table 1 / accuracy", 97.5, [], "no finished network").rule
    'none: no finished network'
    """
    ours, spread, counted = _summary(values)
    return Cell(cell, published, ours, spread, counted if runs is None else runs, None, f"none: {why}")


def decision_cell(cell: str, published: tuple[float, float], ours: tuple[float, float], runs: int) -> Cell:
    """Compare what two paired tests decide; their sizes depend on the number of runs.

    Parameters
    ----------
    cell
        Table, row and column.
    published, ours
        Statistic t and p-value of the published test and of ours.
    runs
        Number of our runs.

    Returns
    -------
    Cell
        Both t; not judged with fewer than four runs, or where our t is NaN.

    Examples
    --------
    >>> decision_cell("scale 0.1 / t / abs", (5.5, 3e-5), (2.9, 0.01), runs=10).reproduced
    True
    """
    (their_t, their_p), (t, p) = published, ours
    if runs < FEWEST_TESTED or math.isnan(t):
        return Cell(cell, their_t, t, math.nan, runs, None, "none: too few runs or no spread")
    agree = (their_p < LEVEL) == (p < LEVEL) and (p >= LEVEL or (t > 0) == (their_t > 0))
    return Cell(cell, their_t, t, math.nan, runs, bool(agree), f"decision: p {their_p:.1g} and {p:.1g}")


def frame(cells: Iterable[Cell]) -> pd.DataFrame:
    """Tabulate cells, a row each; ``reproduced`` becomes yes, no or -.

    Parameters
    ----------
    cells
        Published numbers beside ours.

    Returns
    -------
    DataFrame
        Columns by the fields of `Cell`.
    """
    table = pd.DataFrame([asdict(cell) for cell in cells], columns=[field.name for field in fields(Cell)])
    words: dict[bool | None, str] = {True: "yes", False: "no", None: "-"}
    table["reproduced"] = [words[cell] for cell in table["reproduced"].replace({np.nan: None})]
    return table


def tally(cells: Iterable[Cell]) -> tuple[int, int]:
    """Count the reproduced cells, and those that have a rule.

    Parameters
    ----------
    cells
        Published numbers beside ours.

    Returns
    -------
    int, int
        Number of reproduced cells, and of cells with a rule.

    Examples
    --------
    >>> rows = [mean_cell("a", 1.0, [1.0, 1.2], digits=1, their_runs=2), bare_cell("b", 1.0, [], "no network")]
    >>> tally(rows)
    (1, 1)
    """
    judged = [cell.reproduced for cell in cells if cell.reproduced is not None]
    return sum(judged), len(judged)


def _summary(values: Sequence[float]) -> tuple[float, float, int]:
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array)]
    if not len(array):
        return math.nan, math.nan, 0
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else math.nan, len(array)


def _within(published: float, ours: float, limit: float) -> bool:
    return bool(abs(published - ours) <= limit)

"""The rules by which a published cell agrees with ours, and what each rule could have refused.

===========  ============================================================================================
rule         a cell is reproduced if
===========  ============================================================================================
mean         |published - ours| lies within the 99 % point of t times the standard error of the difference,
             or within half a unit of the last printed digit
read         the same for a number read off a 1 % grid, where 1 is always forgiven
extreme      the same with the standard error of a largest or least of ten normal draws, 0.587 s
count        the published count lies in the central 99 % of a binomial with our share
decision     a paired test: the same sign, and p below 0.05 in both or in neither; needs 4 runs
none         no rule: shown, and not counted
===========  ============================================================================================

The standard error is Welch's where the paper prints a standard deviation and we have one; else the one that is known
stands for both, with its own degrees of freedom: with four runs t is 5.8, not 3.

A decision counts only where the other activation's published decision (abs for relu, relu for abs) differs from the
published one or from ours: one that both activations share says nothing, and one that we miss always counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from zoo.papers.report.cells import Cell

EXTREME_OF_TEN = 0.587  # standard deviation of the largest of ten standard normal draws
COVERAGE = 0.99
LEVEL, FEWEST_TESTED = 0.05, 4  # of the paired tests
OTHER = {"abs": "relu", "relu": "abs"}


@dataclass(frozen=True)
class Judgement:
    """What the rules say of a cell.

    Attributes
    ----------
    reproduced
        Whether the rule holds; None where the cell does not count.
    said
        Name of the rule, with the limits that it compared with or the reason why the cell does not count.
    refuses_other
        Whether the rule would have refused the number published for the other activation; None without one.
    """

    reproduced: bool | None
    said: str
    refuses_other: bool | None


def judge_all(cells: Sequence[Cell]) -> list[Judgement]:
    """Judge the cells of a report, each beside the other activation's.

    Parameters
    ----------
    cells
        Published numbers beside ours.

    Examples
    --------
    >>> from zoo.papers.report import mean_cell
    >>> cell = mean_cell("table 1 / accuracy / abs", 97.5, [97.4, 97.5, 97.7], digits=1, their_runs=10)
    >>> [found.reproduced for found in judge_all([cell])]
    [True]
    """
    known = {cell.cell: cell for cell in cells}
    return [judge(cell, known.get(other_activation(cell.cell))) for cell in cells]


def other_activation(cell: str) -> str:
    """Name the cell of the other activation.

    Parameters
    ----------
    cell
        Name of a cell.

    Examples
    --------
    >>> other_activation("table 5 / error / relu_bias_sampling"), other_activation("scale 0.1 / t / abs")
    ('table 5 / error / abs_bias_sampling', 'scale 0.1 / t / relu')
    """
    *rest, column = cell.split(" / ")
    for one, other in OTHER.items():
        if column.startswith(one):
            return " / ".join([*rest, other + column.removeprefix(one)])
    return ""


def judge(cell: Cell, other: Cell | None = None) -> Judgement:
    """Judge one cell.

    Parameters
    ----------
    cell
        Published number beside ours.
    other
        Cell of the other activation in the same place.

    Examples
    --------
    >>> judge(Cell("scale 0.1 / t / abs", 5.5, 2.9, math.nan, 10, "decision", p=0.01, their_p=3e-5)).said
    'none: no counterpart to tell it from; p 3e-05 and 0.01'
    """
    if cell.rule == "none":
        return Judgement(None, f"none: {cell.why}", None)
    passes, limits = RULES[cell.rule](cell)
    refuses = None
    if other is not None and math.isfinite(other.published):
        refuses = not RULES[cell.rule](replace(cell, published=other.published, their_p=other.their_p))[0]
    if cell.rule == "decision":
        return _decided(cell, other, passes, limits, refuses)
    return Judgement(passes, f"{cell.rule}: {limits}", refuses)


def _decided(cell: Cell, other: Cell | None, passes: bool, limits: str, refuses: bool | None) -> Judgement:
    """Judge a paired test, if it can tell one activation from the other."""
    if cell.runs < FEWEST_TESTED or math.isnan(cell.ours):
        return Judgement(None, "none: too few runs or no spread", None)
    if other is None:
        return Judgement(None, f"none: no counterpart to tell it from; {limits}", None)
    if passes and not refuses:
        return Judgement(None, f"none: the other activation's published test says the same; {limits}", refuses)
    return Judgement(passes, f"decision: {limits}", refuses)


def standard_error(cell: Cell) -> tuple[float, float]:
    """Give the standard error of the difference of two means, and its degrees of freedom.

    Parameters
    ----------
    cell
        Cell of a mean.

    Examples
    --------
    >>> error, freedom = standard_error(Cell("x", 1.0, 1.0, 0.2, 4, "mean", their_runs=20))
    >>> round(error, 3), freedom
    (0.11, 3)
    """
    ours, theirs = (cell.spread, cell.runs), (cell.their_spread, cell.their_runs)
    if cell.runs > 1 and math.isfinite(cell.their_spread):
        first, second = (spread**2 / runs for spread, runs in (ours, theirs))
        freedom = (first + second) ** 2 / (first**2 / (cell.runs - 1) + second**2 / (cell.their_runs - 1))
        return math.sqrt(first + second), freedom
    spread, runs = ours if cell.runs > 1 else theirs
    return spread * math.sqrt(1 / cell.runs + 1 / max(cell.their_runs, 1)), runs - 1


def limit_of(cell: Cell) -> float:
    """Give the largest difference of a mean, a number read off, or an extreme that counts as agreement.

    Parameters
    ----------
    cell
        Cell of one of these rules.
    """
    if cell.rule == "extreme":
        error, freedom = EXTREME_OF_TEN * cell.spread * math.sqrt(2), float(cell.runs - 1)
    else:
        error, freedom = standard_error(cell)
    return max(float(stats.t.ppf((1 + COVERAGE) / 2, freedom)) * error, cell.rounding)


def _by_limit(cell: Cell) -> tuple[bool, str]:
    limit = limit_of(cell)
    return bool(abs(cell.published - cell.ours) <= limit), f"within {limit:.2g}"


def _by_count(cell: Cell) -> tuple[bool, str]:
    low, high = stats.binom.interval(COVERAGE, cell.their_of, cell.ours / cell.their_of)
    return bool(low <= cell.published <= high), f"{low:.0f} to {high:.0f}"


def _by_decision(cell: Cell) -> tuple[bool, str]:
    same_sign = (cell.published > 0) == (cell.ours > 0)
    agree = (cell.their_p < LEVEL) == (cell.p < LEVEL) and (cell.p >= LEVEL or same_sign)
    power = "" if math.isnan(power_of(cell)) else f", power {power_of(cell):.2f}"
    return bool(agree), f"p {cell.their_p:.1g} and {cell.p:.1g}{power}"


RULES: Mapping[str, Callable[[Cell], tuple[bool, str]]] = {
    "mean": _by_limit,
    "read": _by_limit,
    "extreme": _by_limit,
    "count": _by_count,
    "decision": _by_decision,
}
"""Name of a rule -> function of a cell that says whether it holds, and within what limits."""


def power_of(cell: Cell) -> float:
    """Give the probability that our paired test finds an effect of the published size; NaN where that was none.

    The published t over the root of the paper's runs is the effect in standard deviations; our t is noncentral.

    Parameters
    ----------
    cell
        Cell of a decision.

    Examples
    --------
    >>> few = Cell("scale 0.5 / t / relu", -3.7, 0.1, math.nan, 4, "decision", their_runs=20, their_p=0.002)
    >>> round(power_of(few), 1), round(power_of(replace(few, runs=20)), 1)
    (0.2, 0.9)
    """
    if cell.their_p >= LEVEL or not cell.their_runs or cell.runs < 2:
        return math.nan
    freedom = cell.runs - 1
    beyond = stats.t.ppf(1 - LEVEL / 2, freedom)
    centre = abs(cell.published) / math.sqrt(cell.their_runs) * math.sqrt(cell.runs)
    return float(np.nan_to_num(stats.nct.sf(beyond, freedom, centre), nan=1.0))


def tally(cells: Iterable[Cell]) -> tuple[int, int]:
    """Count the reproduced cells, and those that count.

    Parameters
    ----------
    cells
        Published numbers beside ours.

    Returns
    -------
    int, int
        Number of reproduced cells, and of cells that count.

    Examples
    --------
    >>> rows = [Cell("a", 1.0, 1.1, 0.1, 3, "mean", their_runs=2), Cell("b", 1.0, math.nan, math.nan, 0)]
    >>> tally(rows)
    (1, 1)
    """
    judged = [one.reproduced for one in judge_all(list(cells)) if one.reproduced is not None]
    return sum(judged), len(judged)


def power_sentences(cells: Sequence[Cell]) -> list[str]:
    """Say how much the rules of a report could have found, in plain words.

    Parameters
    ----------
    cells
        Published numbers beside ours.
    """
    judged = [(cell, one) for cell, one in zip(cells, judge_all(cells), strict=True) if one.reproduced is not None]
    said = []
    faced = [one.refuses_other for _, one in judged if one.refuses_other is not None]
    if faced:
        said.append(
            f"{len(faced)} of the {len(judged)} cells that count have a counterpart with the other activation; "
            f"{sum(faced)} would have refused its published number, the other {len(faced) - sum(faced)} would have "
            "passed with the wrong activation."
        )
    means = [limit_of(cell) / cell.spread for cell, _ in judged if cell.rule == "mean" and cell.spread > 0]
    if means:
        said.append(
            f"A mean's rule refuses 1 % of true reproductions; a network that is really off by {np.median(means):.1f} "
            "standard deviations of a run (median over means) is refused half the time, and a smaller difference less "
            "often."
        )
    powers = [power_of(cell) for cell in cells if cell.rule == "decision" and cell.runs >= FEWEST_TESTED]
    powers = [power for power in powers if math.isfinite(power)]
    if powers:
        said.append(
            f"If the published effects are true, our paired tests find them with probability {np.mean(powers):.2f} on "
            f"average and {min(powers):.2f} for the weakest."
        )
    return said

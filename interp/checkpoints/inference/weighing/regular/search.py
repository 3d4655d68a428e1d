"""Which regularisation leaves the least slopes: a grid on few rows, then step by step on all that are at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from interp.checkpoints.inference.weighing.regular.how import NONE, Regularisation, far_apart, neighbours
from interp.checkpoints.inference.weighing.regular.run import TrainingRows, multiply_adds, signs_in_training
from interp.checkpoints.inference.weighing.signs import Signs
from interp.checkpoints.inference.weighing.weigh import against

FEW, FEWEST_ROWS = 2000, 500
"""Number of rows on which the grid is tried, and the least number of them for large networks."""

FEWEST, MOST = 2, 4
"""Least and largest number of candidates that the grid is tried with."""

REFINED, STEPS = 3, 10
"""Number of them that are gone on with, and the number of regularisations that these meet, more or less."""

KIND = 0.5
"""Evidence, in nats, that each way of changing rows must bring to be taken."""

WORK = 2 * 10**10
"""Largest number of multiply-add operations of the grid, of the steps, and of what is weighed at last."""

Against = Callable[[Regularisation], float]
"""Regularisation -> evidence against it under the candidate that it suits best, in nats."""


def affordable(rows: TrainingRows, found: Sequence[Signs], passes: int) -> int:
    """Give the number of rows that may be run in each of some passes, of all candidates together; 0 for none.

    Parameters
    ----------
    rows
        Rows, and what they are run through.
    found
        Signs of candidates, one at least.
    passes
        Number of passes.
    """
    return WORK // max(multiply_adds(rows.layers, found[0].trial.candidate) * passes, 1)


def found_regularisation(rows: TrainingRows, found: Sequence[Signs]) -> Regularisation:
    """Find the regularisation under which some candidate leaves the least slopes.

    Parameters
    ----------
    rows
        Rows, and what they are run through.
    found
        Signs of candidates that may be right, the best first.

    Returns
    -------
    Regularisation
        `NONE` where nothing leaves less, and of networks that are too large to look.
    """
    of_classes = rows.labels.ndim == 1 and len(rows.layers[-1].weight) > 1
    can_smooth = of_classes and all(one.trial.candidate.output == "linear" for one in found)
    allowed = (can_smooth, rows.image is not None)
    grid = far_apart(*allowed)
    most = affordable(rows, found, len(grid))
    tried = found[: min(MOST, most // FEWEST_ROWS)]
    if len(tried) < min(FEWEST, len(found)):
        return NONE
    few = min(FEW, most // len(tried))
    at_grid = _measured(rows.first(few), tried)
    best = min(grid, key=lambda how: min(at_grid(how)) + KIND * how.kinds)
    suited = sorted(range(len(tried)), key=lambda place: at_grid(best)[place])[:REFINED]
    more = rows.first(max(few, affordable(rows, found, STEPS * REFINED)))
    value = _least(_measured(more, [tried[place] for place in suited]))
    return _descended(min(NONE, best, key=value), value, allowed)


def _measured(rows: TrainingRows, found: Sequence[Signs]) -> Callable[[Regularisation], list[float]]:
    """Give the function of a regularisation that weighs what speaks against each candidate under it."""
    return cache(lambda how: [against(one) for one in signs_in_training(rows, found, how)])


def _least(measured: Callable[[Regularisation], list[float]]) -> Against:
    return lambda how: min(measured(how)) + KIND * how.kinds


def _descended(how: Regularisation, value: Against, allowed: tuple[bool, bool]) -> Regularisation:
    """Go on to the best neighbour until none is better."""
    while True:
        best = min(neighbours(how, *allowed), key=value)
        if value(best) >= value(how):
            return how
        how = best

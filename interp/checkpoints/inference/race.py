"""Many readings run against each other: all on few rows, the best on more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from interp.analysis.statistics import mcnemar, paired_runs
from interp.checkpoints.inference.readings import Reading, Score
from interp.types import Array

SIGNIFICANT = 1e-3

Scorer = Callable[[Sequence[Reading], Array, Array], list[Score]]
"""(readings, inputs (S, D) as stored, their answers) -> how each one does."""


class Heat(NamedTuple):
    """One round: on how many rows, and who goes on: within a margin of the best score, up to a number."""

    rows: int
    margin: float
    most: int


def race(
    score: Scorer,
    readings: Sequence[Reading],
    inputs: Array,
    values: Array,
    heats: Sequence[Heat],
    facts: Sequence[Callable[[Reading], str]],
    seed: int = 0,
) -> list[Score]:
    """Score readings in heats over growing sets of rows, each a prefix of one random order.

    The best reading of every value of every fact runs in all heats but the last, so that a value is not
    dismissed on few rows.

    Returns
    -------
    list
        The latest score of each reading; those of the last heat are on the most rows.
    """
    order = np.random.default_rng(seed).permutation(len(values))
    latest: dict[Reading, Score] = {}
    alive = list(readings)
    for number, heat in enumerate(heats):
        rows = order[: heat.rows]
        latest |= {result.reading: result for result in score(alive, inputs[rows], values[rows])}
        ranked = sorted((latest[reading] for reading in alive), key=by_merit)
        near = [s.reading for s in ranked if s.mean >= ranked[0].mean - heat.margin][: heat.most]
        best = _best_of_values(ranked, facts) if number + 2 < len(heats) else []
        alive = list(dict.fromkeys([*near, *best]))
        if heat.rows >= len(values):
            break
    return list(latest.values())


def _best_of_values(ranked: Sequence[Score], facts: Sequence[Callable[[Reading], str]]) -> list[Reading]:
    best: dict[tuple[int, str], Reading] = {}
    for result in ranked:
        for number, fact in enumerate(facts):
            best.setdefault((number, fact(result.reading)), result.reading)
    return list(best.values())


def by_merit(score: Score) -> tuple[float, float]:
    """Sort the best first; losses that differ by rounding alone are equal, so that the usual reading stands."""
    return (-score.mean, round(score.loss, 6))


def most_rows(scores: Sequence[Score]) -> list[Score]:
    """Keep the scores on the most rows."""
    most = max(len(score.marks) for score in scores)
    return [score for score in scores if len(score.marks) == most]


def better(first: Score, second: Score) -> bool:
    """Whether `first` does significantly better than `second` on the rows that both saw."""
    rows = min(len(first.marks), len(second.marks))
    return marks_differ(first.marks[:rows], second.marks[:rows])


def marks_differ(ours: Array, theirs: Array) -> bool:
    """Whether `ours` are significantly better, (S,) each: McNemar's test of right rows, a paired t-test of numbers."""
    if ours.dtype == bool:
        gained, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
        return gained > lost and float(mcnemar(gained, lost)) < SIGNIFICANT
    found = paired_runs(theirs, ours)
    return found.difference > 0 and found.p_value < SIGNIFICANT


def ties(first: Score, second: Score) -> bool:
    """Whether `second` does at least as well as `first` on the rows that both saw."""
    rows = min(len(first.marks), len(second.marks))
    return bool(second.marks[:rows].sum() >= first.marks[:rows].sum())

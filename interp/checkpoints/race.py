"""Many readings run against each other: all on few rows, the best on more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from interp.checkpoints.readings import Reading, Score
from interp.statistics import mcnemar
from interp.types import Array

SIGNIFICANT = 1e-3

Scorer = Callable[[Sequence[Reading], Array, Array], list[Score]]
"""(readings, inputs (S, D) as stored, labels (S,)) -> how each one does."""


class Heat(NamedTuple):
    """One round: on how many rows, and who goes on: within a margin of the best accuracy, up to a number."""

    rows: int
    margin: float
    most: int


def race(
    score: Scorer,
    readings: Sequence[Reading],
    inputs: Array,
    labels: Array,
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
    order = np.random.default_rng(seed).permutation(len(labels))
    latest: dict[Reading, Score] = {}
    alive = list(readings)
    for number, heat in enumerate(heats):
        rows = order[: heat.rows]
        latest |= {result.reading: result for result in score(alive, inputs[rows], labels[rows])}
        ranked = sorted((latest[reading] for reading in alive), key=by_merit)
        near = [s.reading for s in ranked if s.accuracy >= ranked[0].accuracy - heat.margin][: heat.most]
        best = _best_of_values(ranked, facts) if number + 2 < len(heats) else []
        alive = list(dict.fromkeys([*near, *best]))
        if heat.rows >= len(labels):
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
    return (-score.accuracy, round(score.loss, 6))


def most_rows(scores: Sequence[Score]) -> list[Score]:
    """Keep the scores on the most rows."""
    most = max(len(score.correct) for score in scores)
    return [score for score in scores if len(score.correct) == most]


def better(first: Score, second: Score) -> bool:
    """Whether `first` is right significantly more often than `second` on the rows that both saw."""
    rows = min(len(first.correct), len(second.correct))
    ours, theirs = first.correct[:rows], second.correct[:rows]
    gained, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return gained > lost and float(mcnemar(gained, lost)) < SIGNIFICANT


def ties(first: Score, second: Score) -> bool:
    """Whether `second` is right at least as often as `first` on the rows that both saw."""
    rows = min(len(first.correct), len(second.correct))
    return bool(second.correct[:rows].sum() >= first.correct[:rows].sum())

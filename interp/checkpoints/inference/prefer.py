"""Among readings that the data do not tell apart, the simplest stands, whatever the scaling of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

from interp.checkpoints.inference.race import better, by_merit, most_rows
from interp.checkpoints.inference.readings import Reading, Score
from interp.network.activations import RELU_FAMILY


def finalists(scores: Sequence[Score]) -> list[Reading]:
    """List the best reading and those that may stand in its place: simpler, related, not significantly worse.

    Parameters
    ----------
    scores
        Of one race; each is held against the best on the rows that both ran on.
    """
    best = _best(scores)
    simpler = [s for s in scores if _oddity(s.reading) < _oddity(best.reading) and _may_stand_for(s, best)]
    return [best.reading, *(score.reading for score in sorted(simpler, key=by_merit))]


def prefer_simple(scores: Sequence[Score]) -> Score:
    """Choose the simplest of those that may stand for the best, and of equally simple ones the best."""
    best = _best(scores)
    equals = [score for score in most_rows(scores) if _may_stand_for(score, best)]
    return min(equals, key=lambda score: (_oddity(score.reading), by_merit(score)))


def _best(scores: Sequence[Score]) -> Score:
    return min(most_rows(scores), key=by_merit)


def _oddity(reading: Reading) -> tuple[bool, bool]:
    """Rank what is unusual: an output that is not linear, then any relative of ReLU."""
    return reading.output != "linear", reading.activation in RELU_FAMILY[1:]


def _may_stand_for(score: Score, best: Score) -> bool:
    pair = {score.reading.activation, best.reading.activation}
    return (len(pair) == 1 or pair <= set(RELU_FAMILY)) and not better(best, score)

"""Among candidates that the data do not tell apart, the simplest stands, whatever the scaling of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial, better, by_merit, most_rows
from interp.network.activations import RELU_FAMILY


def finalists(trials: Sequence[Trial]) -> list[Candidate]:
    """List the best candidate and those that may stand in its place: simpler, related, not significantly worse.

    Parameters
    ----------
    trials
        Latest trials of one successive halving; each is compared with the best on the rows that both were tried on.
    """
    best = _best(trials)
    simpler = [t for t in trials if _oddity(t.candidate) < _oddity(best.candidate) and _may_stand_for(t, best)]
    return [best.candidate, *(trial.candidate for trial in sorted(simpler, key=by_merit))]


def prefer_simple(trials: Sequence[Trial]) -> Trial:
    """Choose the simplest of those that may stand for the best, and of equally simple ones the best."""
    best = _best(trials)
    equals = [trial for trial in most_rows(trials) if _may_stand_for(trial, best)]
    return min(equals, key=lambda trial: (_oddity(trial.candidate), by_merit(trial)))


def _best(trials: Sequence[Trial]) -> Trial:
    return min(most_rows(trials), key=by_merit)


def _oddity(candidate: Candidate) -> tuple[bool, bool, bool]:
    """Rank what is unusual: an output that is not linear, any relative of ReLU, a dense layer's norm behind it."""
    odd_order = candidate.layout is None and candidate.order != "before"
    return candidate.output != "linear", candidate.activation in RELU_FAMILY[1:], odd_order


def _may_stand_for(trial: Trial, best: Trial) -> bool:
    if trial.score < 0 < best.score:  # squared errors of a few rows may be so large that no test tells them from chance
        return False
    pair = {trial.candidate.activation, best.candidate.activation}
    return (len(pair) == 1 or pair <= set(RELU_FAMILY)) and not better(best, trial)

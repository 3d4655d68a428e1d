"""A candidate tried on rows with known answers, and how two of them compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr
from torch import Tensor

from interp.analysis import paired_runs
from interp.checkpoints.inference.candidates.by_layer import last_of
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import FUNCTIONS
from interp.network.activations import ACTIVATIONS
from interp.types import Array

SIGNIFICANT = 1e-3
WORST = -1e6  # least score of a sample: a wrong candidate's squared errors may overflow


@dataclass(frozen=True)
class Trial:
    """Scores of one candidate on some rows.

    Attributes
    ----------
    candidate
        Candidate that was tried.
    per_sample
        Per-sample scores, (S,): booleans where rows are right or wrong, else numbers of at most 1.
    loss
        Mean loss of a row, in nats or squared units as the task has it.
    """

    candidate: Candidate
    per_sample: Array
    loss: float

    @property
    def score(self) -> float:
        """Score on these rows: the share that is right, or R²."""
        return float(self.per_sample.mean())


TryOut = Callable[[Sequence[Candidate], Array, Array], list[Trial]]
"""(candidates, inputs (S, D) as stored, their answers) -> how each one does."""


def known_scores(per_sample: Tensor) -> Array:
    """Give per-sample scores as an array in which an output that is not a number is as bad as any."""
    found: Array = per_sample.numpy()
    return found if found.dtype == bool else np.nan_to_num(np.maximum(found, WORST), nan=WORST)


def apply_output(z: Tensor, candidate: Candidate) -> Tensor:
    """Give the outputs (S, C) that a candidate makes of the last layer's z."""
    if candidate.output == "linear":
        return z
    if candidate.output in FUNCTIONS:
        return FUNCTIONS[candidate.output](z)
    active = ACTIVATIONS[last_of(candidate.activation)](z)
    return -active if candidate.output == "negated-activation" else active


def by_merit(trial: Trial) -> tuple[float, float]:
    """Sort the best first; losses that differ by rounding alone are equal, so that the usual candidate stands."""
    return (-trial.score, round(trial.loss, 6))


def most_rows(trials: Sequence[Trial]) -> list[Trial]:
    """Keep the trials on the most rows."""
    most = max(len(trial.per_sample) for trial in trials)
    return [trial for trial in trials if len(trial.per_sample) == most]


def better(first: Trial, second: Trial) -> bool:
    """Whether `first` does significantly better than `second` on the rows that both saw."""
    rows = min(len(first.per_sample), len(second.per_sample))
    return scores_differ(first.per_sample[:rows], second.per_sample[:rows])


def scores_differ(ours: Array, theirs: Array) -> bool:
    """Whether the first per-sample scores, (S,), are significantly better than the second.

    Right and wrong rows are compared with McNemar's exact test, numbers with a paired t-test, both at `SIGNIFICANT`.
    """
    if ours.dtype == bool:
        gained, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
        return gained > lost and 2 * float(bdtr(lost, gained + lost, 0.5)) < SIGNIFICANT  # as `interp.analysis.mcnemar`
    found = paired_runs(theirs, ours)
    return found.difference > 0 and found.p_value < SIGNIFICANT


def ties(first: Trial, second: Trial) -> bool:
    """Whether `second` does at least as well as `first` on the rows that both saw."""
    rows = min(len(first.per_sample), len(second.per_sample))
    return bool(second.per_sample[:rows].sum() >= first.per_sample[:rows].sum())

"""Successive halving: all candidates tried on few rows, the best on more.

Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016; here who
goes on is also everyone within a margin of the best, and the best of every value of every fact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial, TryOut, by_merit
from interp.types import Array


class Round(NamedTuple):
    """One round of successive halving.

    Attributes
    ----------
    rows
        Number of rows that candidates are tried on.
    margin
        Largest distance from the best score with which a candidate goes on.
    most
        Largest number of candidates that go on by their score.
    """

    rows: int
    margin: float
    most: int


def successive_halving(
    try_out: TryOut,
    candidates: Sequence[Candidate],
    inputs: Array,
    values: Array,
    rounds: Sequence[Round],
    facts: Sequence[Callable[[Candidate], str]],
    seed: int = 0,
) -> list[Trial]:
    """Try candidates in rounds over growing sets of rows, each a prefix of one random order.

    The best candidate of every value of every fact is tried in all rounds but the last, so that a value is not
    dismissed on few rows.

    Parameters
    ----------
    try_out
        Function of (candidates, inputs, answers) that gives their trials.
    candidates
        Candidates of the first round.
    inputs
        Inputs of some samples as stored, (S, D).
    values
        Labels or targets of these samples, as `interp.tasks.Task.answers` gives them, (S, ...).
    rounds
        Rounds in order, on ever more rows.
    facts
        Functions that read the value of a fact off a candidate.
    seed
        Seed of the random order of the rows.

    Returns
    -------
    trials
        Latest trial of each candidate; trials of the last round are on the most rows.
    """
    order = np.random.default_rng(seed).permutation(len(values))
    latest: dict[Candidate, Trial] = {}
    alive = list(candidates)
    for number, this in enumerate(rounds):
        rows = order[: this.rows]
        latest |= {trial.candidate: trial for trial in try_out(alive, inputs[rows], values[rows])}
        ranked = sorted((latest[candidate] for candidate in alive), key=by_merit)
        near = [trial.candidate for trial in ranked if trial.score >= ranked[0].score - this.margin][: this.most]
        best = _best_of_values(ranked, facts) if number + 2 < len(rounds) else []
        alive = list(dict.fromkeys([*near, *best]))
        if this.rows >= len(values):
            break
    return list(latest.values())


def _best_of_values(ranked: Sequence[Trial], facts: Sequence[Callable[[Candidate], str]]) -> list[Candidate]:
    best: dict[tuple[int, str], Candidate] = {}
    for trial in ranked:
        for number, fact in enumerate(facts):
            best.setdefault((number, fact(trial.candidate)), trial.candidate)
    return list(best.values())

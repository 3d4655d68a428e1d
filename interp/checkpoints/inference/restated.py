"""What is said of output, order and layout once activations were weighed: measured beside the reading that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial, TryOut, by_merit
from interp.checkpoints.inference.explain import Fact, explain
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.weigh import ROWS, some
from interp.types import Array, Inference

MOST = 6
"""Largest number of other values of one fact that are tried again."""

WEIGHED = ("activation", "input_scaling")
"""Facts that are explained where they are weighed."""


def restated(
    stands: Candidate,
    trials: Sequence[Trial],
    layers: Sequence[Layer],
    try_out: TryOut,
    inputs: Array,
    values: Array,
    seed: int,
    facts: Mapping[str, Fact],
    given: Mapping[str, str | None],
    task: str,
) -> dict[str, Inference]:
    """Explain the facts that are not weighed of a candidate that others were tried in place of.

    Parameters
    ----------
    stands
        Candidate that stands, with an activation or scaling that only weighing found.
    trials
        Latest trials of all candidates before.
    layers, try_out, inputs, values, seed
        Arguments of `interp.checkpoints.inference.weighing.weigh.weigh`, by which it is measured on the same rows.
    facts
        Name of a fact -> function that reads its value off a candidate.
    given
        Values that the user states, by option; None where a value is to be inferred.
    task
        Name of the task, for `interp.tasks.find_task`.
    """
    rest = {fact: name for fact, name in facts.items() if fact not in WEIGHED}
    x, y = some(inputs, values, ROWS[layers[0].is_convolution], seed)
    own, *others = try_out([stands, *siblings(stands, trials, rest.values())], x, y)
    return {fact: explain(fact, name, own, others, given, task) for fact, name in rest.items()}


def siblings(stands: Candidate, trials: Sequence[Trial], facts: Iterable[Fact]) -> list[Candidate]:
    """List candidates with the scaling and activation of the one that stands, for the best other values of some facts.

    Parameters
    ----------
    stands
        Candidate that stands.
    trials
        Latest trials of candidates, of whatever scaling and activation.
    facts
        Functions that read output, order or layout off a candidate.

    Returns
    -------
    list of Candidate
        Candidates for the `MOST` values of each fact that did best on the most rows, each with the output, order and
        layout that it did best with; the candidate that stands is none of them.
    """
    ranked = sorted(trials, key=lambda trial: (-len(trial.per_sample), by_merit(trial)))
    found: dict[Candidate, None] = {}
    for fact in facts:
        best: dict[str, Candidate] = {}
        for trial in ranked:
            one = trial.candidate
            beside = replace(stands, output=one.output, order=one.order, layout=one.layout)
            if fact(beside) != fact(stands) and beside.output != beside.activation:
                best.setdefault(fact(beside), beside)
        found |= dict.fromkeys(list(best.values())[:MOST])
    return list(found)

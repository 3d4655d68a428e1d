"""Whether a network, as it was interpreted, does what a network of its size should do on these data."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from interp.checkpoints.inference.expected import Expected
from interp.checkpoints.inference.weighing.doubt import Doubt
from interp.tasks import find_task
from interp.types import Inference

GOOD, DOUBTFUL, POOR, CHANCE = "as expected", "doubtful", "poor for its size", "at chance"

GUESSED = (
    "activation",
    "architecture",
    "groups",
    "input_scaling",
    "output",
    "placement",
    "order",
    "readout",
    "padding",
    "heads",
    "norms",
    "positions",
    "embedding",
    "convolutions",
    "dense_activation",
    "recurrence",
)
"""Facts that rest on how well the network does."""

NO_SKILL = 0.1
"""Share of the way from chance to perfection below which a network knows nothing of the data."""


def assess_fit(task: str, score: float, rows: int, expect: Expected, doubt: str) -> Inference:
    """Compare the score on training rows with what stand-ins reach, models that are quick to fit.

    Parameters
    ----------
    task
        Name of the task, for `interp.tasks.find_task`.
    score
        Score of the network on its training rows, under the best candidate where facts were inferred.
    rows
        Number of training rows behind the score.
    expect
        Scores of stand-ins on the same data.
    doubt
        Sentence of `doubt_of`, empty if there is no doubt.

    Returns
    -------
    Inference
        Value ``as expected``, ``doubtful``, ``poor for its size`` or ``at chance``, with the scores as evidence.
    """
    described = find_task(task).described
    said = f"{described(score)} on {rows:,} training rows; {expect.by}, in training: {described(expect.floor)}"
    if expect.skill(score) < NO_SKILL:
        return Inference(CHANCE, "likely", f"{said}; the best constant answer, in training: {described(expect.chance)}")
    if score <= expect.floor and expect.skill(score) < 1:
        return Inference(POOR, "likely", said)
    return Inference(DOUBTFUL if doubt else GOOD, "likely", f"{said}; {doubt}" if doubt else said)


def is_sound(score: float, expect: Expected) -> bool:
    """Whether a score, on the split where it is least, leaves at most half of the errors of stand-ins.

    What runs with a wrong input scaling does not reach that; errors of its outputs that training would have removed
    then say how it was trained, with another loss, class weights or changed images, and not that it is misread.

    Parameters
    ----------
    score
        Score of the network on the split where it does worst.
    expect
        Scores of stand-ins on the same data.

    Examples
    --------
    >>> is_sound(0.991, Expected(0.1, 0.95, "random features of its width"))
    True
    """
    return 1 - score <= (1 - expect.floor) / 2


def doubt_of(task: str, outputs: Tensor, values: Tensor, form: str) -> str:
    """Name a property of the outputs on training rows that training would have removed; empty if there is none.

    Parameters
    ----------
    task
        Name of the task, for `interp.tasks.find_task`.
    outputs
        Outputs of the network on training rows, (S, C).
    values
        Labels or targets of these samples, as `interp.tasks.Task.answers` gives them, (S, ...).
    form
        Form of the outputs, as `LoadedModel.output` names it: ``linear``, ``softmax``, ``sigmoid`` and so on.
    """
    if len(outputs) < 2:  # one row has no spread to hold a mean against
        return ""
    return find_task(task).doubt(outputs, values, form)


def doubted(facts: Mapping[str, Inference], fit: Inference, left: Doubt | None = None) -> dict[str, Inference]:
    """Lower the confidence of inferred facts where the network does worse under them than it should.

    Parameters
    ----------
    facts
        Facts by name.
    fit
        Fact on whether the network does what it should.
    left
        Slopes that training would have removed: too few, maybe, to doubt the network, and too many to be sure of facts.
    """
    if fit.value != GOOD:
        under = "every" if fit.value == CHANCE else "the best"
        why = f"the network is {fit.value} under {under} candidate ({fit.evidence})"
    elif left is not None:
        why = f"{left.why}, so that its training was stopped before it came to rest, or something is misread"
    else:
        return dict(facts)
    return {
        name: Inference(said.value, "uncertain", f"{said.evidence}; but {why}")
        if name in GUESSED and said.confidence == "likely"
        else said
        for name, said in facts.items()
    }

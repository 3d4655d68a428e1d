"""Whether a network, as it was read, does what a network of its size should do on these data."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from interp.checkpoints.inference.expected import Expected
from interp.tasks.predictions import losses
from interp.tasks.tasks import COUNTED, R2, TASKS, described
from interp.types import Inference

GOOD, DOUBTFUL, POOR, CHANCE = "as expected", "doubtful", "poor for its size", "at chance"

GUESSED = ("activation", "architecture", "groups", "input_scaling", "output", "placement", "order")
"""Facts that rest on how well the network does."""

NO_SKILL = 0.1
"""Share of the way from chance to perfection below which a network knows nothing of the data."""

BIAS = 0.02  # planted networks, read right: up to 0.01 once trained; read wrong: 0.03 and more, but for close relatives
SHRUNK = 0.8


def judge_fit(task: str, score: float, rows: int, expect: Expected, doubt: str) -> Inference:
    """Judge by the score on training rows beside what stand-ins reach.

    Parameters
    ----------
    score
        Of the best reading.
    rows
        Training rows behind it.
    doubt
        From `doubt_of`.

    Returns
    -------
    Inference
        ``as expected``, ``doubtful``, ``poor for its size`` or ``at chance``.
    """
    said = f"{described(task, score)} on {rows:,} training rows; {expect.by}: {described(task, expect.floor)}"
    if expect.skill(score) < NO_SKILL:
        return Inference(CHANCE, "likely", f"{said}; without the inputs: {described(task, expect.chance)}")
    if score <= expect.floor and expect.skill(score) < 1:
        return Inference(POOR, "likely", said)
    return Inference(DOUBTFUL if doubt else GOOD, "likely", f"{said}; {doubt}" if doubt else said)


def doubt_of(task: str, outputs: Tensor, values: Tensor, form: str) -> str:
    """Say what of the outputs on training rows training would have removed; empty if nothing.

    Gradient descent with an output bias ends where mean probabilities are the classes' shares, and with scores that
    are too small for the training rows rather than too large. A network that runs under another activation than it
    was trained with breaks either, even where most of its predictions are right.

    Parameters
    ----------
    outputs
        (S, C).
    values
        Their `interp.tasks.tasks.answers`.
    form
        `LoadedModel.output`.
    """
    if len(outputs) < 2:  # one row has no spread to hold a mean against
        return ""
    if TASKS[task] == R2:
        return _regression_doubt(outputs.double(), values.double()) if task == "regression" else ""
    if task not in COUNTED or "distance" in form or (form == "sigmoid" and outputs.shape[1] > 1):
        return ""
    scores = _logits(outputs.double(), form)
    chances = torch.sigmoid(scores[:, 0]) if scores.shape[1] == 1 else scores.softmax(1)
    chances = torch.stack([1 - chances, chances], 1) if chances.dim() == 1 else chances
    residual = chances - torch.nn.functional.one_hot(values, chances.shape[1])
    bias = float(residual.mean(0).abs().sum() / 2)
    noise = float((residual.std(0) / len(residual) ** 0.5).sum() / 2)
    reasons = []
    if bias > BIAS + noise:
        reasons.append(f"mean probabilities differ from the classes' shares by {bias:.1%}, which training would remove")
    if float((losses(SHRUNK * scores, values, "linear") - losses(scores, values, "linear")).mean()) < 0:
        reasons.append("smaller scores would fit the training rows better, which training would have found")
    return "; ".join(reasons)


def _logits(outputs: Tensor, form: str) -> Tensor:
    if form == "sigmoid":
        return torch.logit(outputs, eps=1e-12)
    return outputs.clamp_min(1e-12).log() if form == "softmax" else outputs


def _regression_doubt(outputs: Tensor, values: Tensor) -> str:
    """Say so where a mean error is left, or errors grow with the outputs."""
    spread = values.std(0).clamp_min(1e-300)
    bias = float(((outputs - values).mean(0).abs() / spread).max())
    if bias > 0.1:
        return f"a mean error of {bias:.2f} standard deviations is left, which training would remove"
    if float(((SHRUNK * (outputs - values.mean(0)) + values.mean(0) - values) ** 2).mean()) < float(
        ((outputs - values) ** 2).mean()
    ):
        return "smaller deviations would fit the training rows better, which training would have found"
    return ""


def doubted(facts: Mapping[str, Inference], fit: Inference) -> dict[str, Inference]:
    """Call guesses uncertain where the network does not do as it should under them."""
    if fit.value == GOOD:
        return dict(facts)
    why = f"the reading is {fit.value}" if fit.value != CHANCE else "every reading is at chance"
    return {
        name: Inference(said.value, "uncertain", f"{said.evidence}; but {why} ({fit.evidence})")
        if name in GUESSED and said.confidence == "likely"
        else said
        for name, said in facts.items()
    }

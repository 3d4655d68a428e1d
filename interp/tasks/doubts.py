"""What of a network's outputs on training rows training would have removed, had it ended where they are.

Gradient descent with an output bias ends where mean probabilities are the classes' shares, and with scores that are too
small for the training rows rather than too large. A network that runs under another activation than it was trained
with breaks either, even where most of its predictions are right.
"""

from __future__ import annotations

import torch
from torch import Tensor

from interp.tasks.predictions import losses

BIAS = 0.02  # planted networks, read right: up to 0.01 once trained; read wrong: 0.03 and more, but for close relatives
SHRUNK = 0.8


def doubt_classes(outputs: Tensor, values: Tensor, form: str) -> str:
    """Say so where mean probabilities are not the classes' shares, or smaller logits would fit better.

    Parameters
    ----------
    outputs
        (S, C).
    values
        (S,) labels.
    form
        `LoadedModel.output`; distances and several sigmoids are no probabilities of classes.
    """
    if "distance" in form or (form == "sigmoid" and outputs.shape[1] > 1):
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


def doubt_values(outputs: Tensor, values: Tensor, form: str) -> str:
    """Say so where a mean error is left, or errors grow with the outputs; both are (S, T)."""
    outputs, values = outputs.double(), values.double()
    spread = values.std(0).clamp_min(1e-300)
    bias = float(((outputs - values).mean(0).abs() / spread).max())
    if bias > 0.1:
        return f"a mean error of {bias:.2f} standard deviations is left, which training would remove"
    if float(((SHRUNK * (outputs - values.mean(0)) + values.mean(0) - values) ** 2).mean()) < float(
        ((outputs - values) ** 2).mean()
    ):
        return "smaller deviations would fit the training rows better, which training would have found"
    return ""

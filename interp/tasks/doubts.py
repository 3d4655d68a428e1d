"""Signs that a network is not run as it was trained: errors on training rows that training would have removed.

Gradient descent with an output bias ends where mean probabilities equal the shares of the classes, and with logits that
are too small for the training rows rather than too large. A network that runs with another activation than it was
trained with breaks one or the other, even where most of its predictions are right.
"""

from __future__ import annotations

import torch
from torch import Tensor

from interp.tasks.predictions import losses

BIAS = 0.02
"""Largest distance (total variation) of mean probabilities to the shares of the classes that raises no doubt.

On networks with a known activation it is at most 0.01 once they are trained; under a wrong activation it is 0.03 and
more, except under one that is nearly the same function.
"""

SHRUNK = 0.8
"""Factor by which logits, or deviations from the mean, are made smaller to see whether they then fit better."""

SURE = 3.0
"""Number of standard errors by which a smaller loss must be below the own one: by chance, one network in 700 is."""


def doubt_classes(outputs: Tensor, values: Tensor, form: str) -> str:
    """Say where mean probabilities differ from the shares of the classes, or smaller logits would fit better.

    Parameters
    ----------
    outputs
        Outputs of the network on training rows (S, C).
    values
        Labels of these rows (S,).
    form
        Form of the outputs, as in `LoadedModel.output`; distances and several sigmoids are no probabilities of classes.

    Returns
    -------
    str
        Reasons for doubt, joined by semicolons; empty where there are none.
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
    if _is_gain(losses(scores, values, "linear") - losses(SHRUNK * scores, values, "linear")):
        reasons.append("smaller scores would fit the training rows better, which training would have found")
    return "; ".join(reasons)


def _is_gain(gains: Tensor) -> bool:
    """Whether the mean of what each row gains (S,) is above 0 by more than chance gives."""
    return bool(gains.mean() > SURE * gains.std() / len(gains) ** 0.5)


def _logits(outputs: Tensor, form: str) -> Tensor:
    if form == "sigmoid":
        return torch.logit(outputs, eps=1e-12)
    return outputs.clamp_min(1e-12).log() if form == "softmax" else outputs


def doubt_values(outputs: Tensor, values: Tensor, form: str) -> str:
    """Say where the mean error is not 0, or smaller deviations from the mean would fit better.

    Parameters
    ----------
    outputs, values
        Outputs of the network on training rows, and what they are compared with (S, T).
    form
        Form of the outputs, as in `LoadedModel.output`; not used.

    Returns
    -------
    str
        Reason for doubt; empty where there is none.
    """
    outputs, values = outputs.double(), values.double()
    spread = values.std(0).clamp_min(1e-300)
    bias = float(((outputs - values).mean(0).abs() / spread).max())
    if bias > 0.1:
        return f"a mean error of {bias:.2f} standard deviations is left, which training would remove"
    smaller = SHRUNK * (outputs - values.mean(0)) + values.mean(0)
    if _is_gain(((outputs - values) ** 2 - (smaller - values) ** 2).mean(1)):
        return "smaller deviations would fit the training rows better, which training would have found"
    return ""

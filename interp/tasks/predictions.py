"""From a network's outputs to predictions and losses, whatever form the outputs have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PROBABILITIES = ("softmax", "sigmoid")


def predict(outputs: Tensor, form: str) -> Tensor:
    """Give the predicted class of each row, (S,) int64.

    Parameters
    ----------
    outputs
        (S, C); with C = 1, the score of class 1 against class 0.
    form
        `LoadedModel.output`. The largest output wins whatever it measures: learn-DM's OffsetL2 networks
        without a sign change are trained to be *far* from the points of the right class.
    """
    if outputs.shape[1] > 1:
        return outputs.argmax(dim=1)
    return (outputs[:, 0] > threshold(form)).long()


def threshold(form: str) -> float:
    """Give the output above which a label is set."""
    return 0.5 if form in PROBABILITIES else 0.0


def losses(outputs: Tensor, labels: Tensor, form: str) -> Tensor:
    """Give the cross-entropy of each row in nats, (S,); the outputs are logits unless `form` says otherwise."""
    if form == "sigmoid":
        outputs = torch.logit(outputs.double(), eps=1e-12).to(outputs.dtype)
    if form == "softmax":
        outputs = outputs.clamp_min(1e-12).log()
    if outputs.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(outputs[:, 0], labels.to(outputs.dtype), reduction="none")
    return F.cross_entropy(outputs, labels, reduction="none")

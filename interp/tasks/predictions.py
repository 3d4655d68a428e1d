"""From a network's outputs to predictions and losses: logits, probabilities or distances."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PROBABILITIES = ("softmax", "sigmoid")
"""Forms of outputs that are probabilities."""

NO_PREDICTION = -1
"""Index in place of a class where the network predicts none; equal to no label."""


def predict(outputs: Tensor, form: str) -> Tensor:
    """Give the predicted class of each row.

    The class of the largest output is predicted, whatever the outputs measure: the OffsetL2 networks of learn-DM
    (arXiv 2502.02103) without a sign change are trained to be *far* from the points of the right class.

    Parameters
    ----------
    outputs
        Outputs of the network (S, C); with C = 1, the output for class 1 against class 0.
    form
        Form of the outputs, as in `LoadedModel.output`.

    Returns
    -------
    Tensor
        Index of the predicted class (S,), int64; `NO_PREDICTION` where an output is not a number.

    Examples
    --------
    >>> predict(torch.tensor([[0.1, 2.0], [0.3, 0.2]]), "linear"), predict(torch.tensor([[0.4]]), "sigmoid")
    (tensor([1, 0]), tensor([0]))
    >>> predict(torch.tensor([[0.1, torch.nan], [torch.inf, 0.2]]), "linear")
    tensor([-1,  0])
    """
    guess = outputs.argmax(dim=1) if outputs.shape[1] > 1 else (outputs[:, 0] > threshold(form)).long()
    return guess.masked_fill(outputs.isnan().any(1), NO_PREDICTION)


def threshold(form: str) -> float:
    """Give the output above which a label is predicted: 0.5 for probabilities, 0 for logits.

    Examples
    --------
    >>> threshold("sigmoid"), threshold("linear")
    (0.5, 0.0)
    """
    return 0.5 if form in PROBABILITIES else 0.0


def losses(outputs: Tensor, labels: Tensor, form: str) -> Tensor:
    """Give the cross-entropy of each row.

    Parameters
    ----------
    outputs
        Outputs of the network (S, C); with C = 1, the output for class 1 against class 0.
    labels
        Index of the right class (S,).
    form
        Form of the outputs, as in `LoadedModel.output`: ``softmax`` and ``sigmoid`` are probabilities, all others are
        taken as logits.

    Returns
    -------
    Tensor
        Cross-entropy in nats (S,).

    Examples
    --------
    >>> losses(torch.tensor([[0.25, 0.75]]), torch.tensor([1]), "softmax")
    tensor([0.2877])
    """
    if form == "sigmoid":
        outputs = torch.logit(outputs.double(), eps=1e-12).to(outputs.dtype)
    if form == "softmax":
        outputs = outputs.clamp_min(1e-12).log()
    if outputs.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(outputs[:, 0], labels.to(outputs.dtype), reduction="none")
    return F.cross_entropy(outputs, labels, reduction="none")

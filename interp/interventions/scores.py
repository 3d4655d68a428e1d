"""Which rows are right, and how large their loss is, for many edits at once.

Scores are laid out (E, C, B): edits, classes, rows. Reductions over classes then run along whole cache
lines; with classes last they take ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.scoring import PROBABILITIES, losses, predict

CELLS = 100_000
"""Scores to work on at a time: about what stays in the processor's cache."""


@dataclass(frozen=True)
class Truth:
    """What the rows of one block are compared with.

    Attributes
    ----------
    labels
        (B,) int64: labels, or the unperturbed predictions.
    form
        `LoadedModel.output`.
    losses
        Whether losses are wanted; without labels they mean nothing.
    """

    labels: Tensor
    form: str
    losses: bool


def right_and_loss(outputs: Sequence[Tensor], truth: Truth) -> tuple[Tensor, Tensor]:
    """Judge the outputs of some edits, (B, C) each.

    Returns
    -------
    right
        (E, B) booleans; a row with an output that is not a number is wrong.
    loss
        (E,) float64, summed over rows; NaN where not wanted.
    """
    if outputs[0].shape[1] == 1 or truth.form in PROBABILITIES:
        return _row_by_row(outputs, truth)
    scores = torch.stack([each.T for each in outputs])
    if truth.form == "distance":
        scores.neg_()
    true, best = split_off(scores, truth.labels)
    right = true > best
    if bool((tied := true == best).any()):
        _settle(right, tied, outputs, truth)
    return right, cross_entropy(scores, true, best, truth)


def split_off(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Give the label's score and the best other one, (E, B) each; in `scores` the label's become -inf."""
    where = labels.expand(len(scores), 1, -1)
    true = scores.gather(1, where)[:, 0]
    return true, scores.scatter_(1, where, -torch.inf).amax(1)


def _settle(right: Tensor, tied: Tensor, outputs: Sequence[Tensor], truth: Truth) -> None:
    """Decide exact ties as `predict` does, in place."""
    for edit in tied.any(1).nonzero()[:, 0].tolist():
        rows = tied[edit]
        right[edit, rows] = classes(outputs[edit][rows], truth.form) == truth.labels[rows]


def _row_by_row(outputs: Sequence[Tensor], truth: Truth) -> tuple[Tensor, Tensor]:
    right = torch.stack([classes(each, truth.form) == truth.labels for each in outputs])
    if not truth.losses:
        return right, _no_loss(len(outputs))
    each = [losses(one, truth.labels, truth.form).sum(dtype=torch.float64) for one in outputs]
    return right, torch.stack(each).cpu()


def classes(outputs: Tensor, form: str) -> Tensor:
    """Give the predicted class of each row, (B,); -1 where an output is not a number."""
    return predict(outputs, form).masked_fill(outputs.isnan().any(1), -1)


def cross_entropy(others: Tensor, true: Tensor, best: Tensor, truth: Truth) -> Tensor:
    """Sum log(sum exp(scores)) - score of the label over rows, (E,); arguments as from `split_off`."""
    if not truth.losses:
        return _no_loss(len(true))
    top = torch.maximum(true, best)
    total = (others - top[:, None]).exp_().sum(1) + (true - top).exp_()
    return (total.log_() + top - true).sum(1, dtype=torch.float64).cpu()


def _no_loss(count: int) -> Tensor:
    return torch.full((count,), float("nan"), dtype=torch.float64)

"""Which rows are right, and how large their loss is, for many edits at once.

Scores are laid out (E, C, B): edits, classes, rows. Reductions over classes then run along whole cache
lines; with classes last they take ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.tasks.predictions import PROBABILITIES, losses, predict

CELLS = 100_000
"""Scores to work on at a time: about what stays in the processor's cache."""


FAR = -80.0
"""Below the top score nothing is added to a loss; results too small for float32 take exp ten times as long."""


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
    true = label_scores(scores, truth.labels)
    others = scores.scatter_(1, truth.labels.expand(len(scores), 1, -1), -torch.inf)
    best, excess = best_and_excess(others, true, truth.losses)
    right = true > best
    if bool((tied := true == best).any()):
        _settle(right, tied, outputs, truth)
    return right, cross_entropy(excess, true - best)


def label_scores(scores: Tensor, labels: Tensor) -> Tensor:
    """Give the score of each row's label, (E, B)."""
    return scores.gather(1, labels.expand(len(scores), 1, -1))[:, 0]


def best_and_excess(others: Tensor, true: Tensor, losses: bool) -> tuple[Tensor, Tensor | None]:
    """Give the best score of another class, and sum(exp(others - top)) with the top of both, (E, B) each.

    Parameters
    ----------
    others
        (E, C, B) scores with -inf for the label; overwritten.
    true
        (E, B) scores of the label.
    """
    best = others.amax(1)
    if not losses:
        return best, None
    top = torch.maximum(true, best)
    return best, others.sub_(top[:, None]).clamp_(min=FAR).exp_().sum(1)


def cross_entropy(excess: Tensor | None, margin: Tensor) -> Tensor:
    """Sum log(sum(exp(scores))) - score of the label over rows, (E,) float64; NaN where not wanted.

    Parameters
    ----------
    excess
        (E, B) from `best_and_excess`.
    margin
        (E, B) score of the label above the best other one.
    """
    if excess is None:
        return no_loss(len(margin))
    total = margin.clamp(FAR, 0).exp_().add_(excess).log_()
    return total.sub_(margin.clamp(max=0)).sum(1, dtype=torch.float64).cpu()


def classes(outputs: Tensor, form: str) -> Tensor:
    """Give the predicted class of each row, (B,); -1 where an output is not a number."""
    return predict(outputs, form).masked_fill(outputs.isnan().any(1), -1)


def no_loss(count: int) -> Tensor:
    """Give losses that nobody asked for, (E,) NaN."""
    return torch.full((count,), float("nan"), dtype=torch.float64)


def _settle(right: Tensor, tied: Tensor, outputs: Sequence[Tensor], truth: Truth) -> None:
    """Decide exact ties as `predict` does, in place."""
    for edit in tied.any(1).nonzero()[:, 0].tolist():
        rows = tied[edit]
        right[edit, rows] = classes(outputs[edit][rows], truth.form) == truth.labels[rows]


def _row_by_row(outputs: Sequence[Tensor], truth: Truth) -> tuple[Tensor, Tensor]:
    right = torch.stack([classes(each, truth.form) == truth.labels for each in outputs])
    if not truth.losses:
        return right, no_loss(len(outputs))
    each = [losses(one, truth.labels, truth.form).sum(dtype=torch.float64) for one in outputs]
    return right, torch.stack(each).cpu()

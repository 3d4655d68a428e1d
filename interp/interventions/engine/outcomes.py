"""Outcomes of many edits at once: which rows are right, and how large their loss is.

Logits are laid out (E, C, B): edits, classes, rows. Reductions over classes then run along whole cache
lines; with classes last they take ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from interp.tasks import PROBABILITIES, losses, predict

CELLS = 100_000
"""Logits to work on at a time: about what stays in the processor's cache."""

FAR = -80.0
"""Logits further below the top one add nothing to a loss; results too small for float32 take exp ten times as long."""


class Outcomes(NamedTuple):
    """Outcomes of some edits on one block of rows.

    Attributes
    ----------
    edits
        Positions of the edits in their sequence, E of them.
    scores
        Per-sample scores, (E, B): booleans, or float64 where rows are not simply right or wrong.
    loss
        Sum of the rows' losses under each edit, (E,) float64; NaN where no losses are wanted.
    """

    edits: Sequence[int]
    scores: Tensor
    loss: Tensor


def right_and_loss(outputs: Sequence[Tensor], labels: Tensor, form: str, wanted: bool) -> tuple[Tensor, Tensor]:
    """Tell which rows are classified right under some edits, and add up their losses.

    Parameters
    ----------
    outputs
        Outputs of the network under each edit, (B, C).
    labels
        Class of each row, (B,) int64.
    form
        Form of the outputs, `LoadedModel.output`.
    wanted
        Whether losses are wanted.

    Returns
    -------
    right
        Whether each row is right under each edit, (E, B) booleans; a row with an output that is not a number is wrong.
    loss
        Sum of the rows' cross-entropies in nats, (E,) float64; NaN where not wanted.
    """
    if outputs[0].shape[1] == 1 or form in PROBABILITIES:
        return _row_by_row(outputs, labels, form, wanted)
    logits = torch.stack([each.T for each in outputs])
    true = label_logits(logits, labels)
    others = logits.scatter_(1, labels.expand(len(logits), 1, -1), -torch.inf)
    best, excess = best_and_excess(others, true, wanted)
    right = true > best
    if bool((tied := true == best).any()):
        _settle_ties(right, tied, outputs, labels, form)
    return right, cross_entropy(excess, true - best)


def label_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """Give the logit of each row's label, (E, B)."""
    return logits.gather(1, labels.expand(len(logits), 1, -1))[:, 0]


def best_and_excess(others: Tensor, true: Tensor, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Give the best logit of another class, and sum(exp(others - top)) with the top of both, (E, B) each.

    Parameters
    ----------
    others
        Logits with -inf for the label, (E, C, B); overwritten.
    true
        Logits of the label, (E, B).
    wanted
        Whether losses are wanted; without them there is no second value.
    """
    best = others.amax(1)
    if not wanted:
        return best, None
    top = torch.maximum(true, best)
    return best, others.sub_(top[:, None]).clamp_(min=FAR).exp_().sum(1)


def cross_entropy(excess: Tensor | None, margin: Tensor) -> Tensor:
    """Sum log(sum(exp(logits))) - logit of the label over rows, (E,) float64; NaN where no losses are wanted.

    Parameters
    ----------
    excess
        Second value of `best_and_excess`, (E, B); None where no losses are wanted.
    margin
        Logit of the label above the best other one, (E, B).
    """
    if excess is None:
        return no_loss(len(margin))
    total = margin.clamp(FAR, 0).exp_().add_(excess).log_()
    return total.sub_(margin.clamp(max=0)).sum(1, dtype=torch.float64).cpu()


def no_loss(count: int) -> Tensor:
    """Give the losses of `count` edits where none are wanted, (E,) NaN."""
    return torch.full((count,), float("nan"), dtype=torch.float64)


def _settle_ties(right: Tensor, tied: Tensor, outputs: Sequence[Tensor], labels: Tensor, form: str) -> None:
    """Decide exact ties as `predict` does, in place."""
    for edit in tied.any(1).nonzero()[:, 0].tolist():
        rows = tied[edit]
        right[edit, rows] = predict(outputs[edit][rows], form) == labels[rows]


def _row_by_row(outputs: Sequence[Tensor], labels: Tensor, form: str, wanted: bool) -> tuple[Tensor, Tensor]:
    right = torch.stack([predict(each, form) == labels for each in outputs])
    if not wanted:
        return right, no_loss(len(outputs))
    each = [losses(one, labels, form).sum(dtype=torch.float64) for one in outputs]
    return right, torch.stack(each).cpu()

"""Verdicts on scores that were had in a quicker way than the network's own, near-ties settled the plain way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.engine.scores import Truth, best_and_excess, cross_entropy


@dataclass(frozen=True)
class Verdicts:
    """What is known of some edits.

    Attributes
    ----------
    right
        (E, B) which rows are right.
    loss
        (E,) summed over rows.
    edit, row
        (P,) pairs, by edit, whose best two scores lie too close to tell.
    """

    right: Tensor
    loss: Tensor
    edit: Tensor
    row: Tensor

    def settled(self, truth: Truth, guess: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Give which rows are right and the losses, once `guess` has given the plain way's classes of pairs, (P,)."""
        if len(self.edit):
            self.right[self.edit, self.row] = guess(self.edit, self.row) == truth.labels[self.row]
        return self.right, self.loss


def judge(true: Tensor, others: Tensor, rounding: Tensor, losses: bool) -> Verdicts:
    """Judge some edits.

    Parameters
    ----------
    true
        (E, B) scores of the label.
    others
        (E, C, B) scores with -inf for the label; overwritten.
    rounding
        (E, B) margins no larger decide nothing.
    """
    best, excess = best_and_excess(others, true, losses)
    margin = true - best
    sure = margin.abs().sub_(rounding) > 0  # NaN is unsure
    pairs = margin.new_empty(0, 2, dtype=torch.int64) if bool(sure.all()) else (~sure).nonzero()
    return Verdicts(margin > 0, cross_entropy(excess, margin), *pairs.T)


def joined(stacks: Sequence[Verdicts]) -> Verdicts:
    """Put verdicts on some edits behind those on others."""
    counts = [0, *(len(each.loss) for each in stacks)]
    starts = torch.tensor(counts).cumsum(0).tolist()
    edit = torch.cat([each.edit + start for each, start in zip(stacks, starts, strict=False)])
    right, loss, row = (torch.cat([getattr(each, name) for each in stacks]) for name in ("right", "loss", "row"))
    return Verdicts(right, loss, edit, row)

"""Outcomes from logits that were computed in another order than a full pass does, near-ties settled by a full pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.engine.outcomes import best_and_excess, cross_entropy


@dataclass(frozen=True)
class QuickOutcomes:
    """Outcomes of some edits, with the rows that rounding may have decided.

    Attributes
    ----------
    right
        Whether each row is right under each edit, (E, B) booleans.
    loss
        Sum of the rows' losses under each edit, (E,).
    edit, row
        Positions of the edit and of the row, (P,) each in order of edits, of pairs whose best two logits lie too close
        to tell.
    """

    right: Tensor
    loss: Tensor
    edit: Tensor
    row: Tensor

    def settled(self, labels: Tensor, guess: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Give which rows are right (E, B) and the losses (E,), near-ties decided.

        Parameters
        ----------
        labels
            Class of each row, (B,).
        guess
            Function of pairs, (P,) edits and (P,) rows, that gives the classes that a full pass predicts, (P,).
        """
        if len(self.edit):
            self.right[self.edit, self.row] = guess(self.edit, self.row) == labels[self.row]
        return self.right, self.loss


def quick_outcomes(true: Tensor, others: Tensor, rounding: Tensor, losses: bool) -> QuickOutcomes:
    """Give the outcomes of some edits from their logits.

    Parameters
    ----------
    true
        Logits of the label, (E, B).
    others
        Logits with -inf for the label, (E, C, B); overwritten.
    rounding
        Largest difference of two logits that rounding can make, (E, B): smaller margins decide nothing.
    losses
        Whether losses are wanted.
    """
    best, excess = best_and_excess(others, true, losses)
    margin = true - best
    sure = margin.abs().sub_(rounding) > 0  # NaN is unsure
    pairs = margin.new_empty(0, 2, dtype=torch.int64) if bool(sure.all()) else (~sure).nonzero()
    return QuickOutcomes(margin > 0, cross_entropy(excess, margin), *pairs.T)


def joined(stacks: Sequence[QuickOutcomes]) -> QuickOutcomes:
    """Put the outcomes of some edits behind those of others."""
    counts = [0, *(len(each.loss) for each in stacks)]
    starts = torch.tensor(counts).cumsum(0).tolist()
    edit = torch.cat([each.edit + start for each, start in zip(stacks, starts, strict=False)])
    right, loss, row = (torch.cat([getattr(each, name) for each in stacks]) for name in ("right", "loss", "row"))
    return QuickOutcomes(right, loss, edit, row)

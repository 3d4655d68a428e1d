"""Changes of one node where a linear map follows: its output moves by (new - old) times one column of weights.

Sums then come about in another order than in a full pass, so that rows whose best two scores nearly tie
might be judged differently. Those few are run again the plain way: counts equal the plain loop's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.activations import Negate
from interp.chain import run
from interp.interventions.edits import Edit
from interp.interventions.scores import CELLS, Truth, classes, cross_entropy, split_off
from interp.interventions.sites import Site

NEAR = 3e-5
"""Margin, relative to the scores' size, below which a row is run the plain way; float32 sums differ by ~1e-6."""


@dataclass(frozen=True)
class RankOne:
    """One block of rows, ready for changes of single nodes.

    Attributes
    ----------
    outputs
        (B, N) activation outputs.
    linear
        What reads them.
    reached
        (B, H) what it makes of them.
    by_class
        (H, B) the same, in the order in which it is read.
    tail
        Steps after it.
    """

    site: Site
    outputs: Tensor
    linear: nn.Linear
    reached: Tensor
    by_class: Tensor
    tail: Sequence[nn.Module]

    def values(self, edits: Sequence[Edit]) -> tuple[Tensor, Tensor]:
        """Give the node that each edit changes, (E,), and its new outputs, (E, B)."""
        nodes = torch.tensor([(edit.nodes or (-1,))[0] for edit in edits], device=self.outputs.device)
        return nodes, torch.stack([self._column(edit) for edit in edits])

    def _column(self, edit: Edit) -> Tensor:
        node = slice((edit.nodes or (0,))[0], (edit.nodes or (0,))[0] + 1)
        if edit.constant is not None:
            return self.outputs.new_full((len(self.outputs),), edit.constant)
        column = self.outputs[:, node]
        if edit.before is not None:
            column = run(self.site.active, edit.before(self.site.z[:, node].clone()))
        return (column if edit.after is None else edit.after(column))[:, 0]

    def judge(self, nodes: Tensor, values: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
        """Judge every edit: which rows are right (E, B), summed losses (E,).

        Parameters
        ----------
        nodes
            (E,) which node.
        values
            (E, B) its new outputs.
        """
        size = max(1, CELLS // self.reached.numel())
        parts = [
            self._judge(nodes[start : start + size], values[start : start + size], truth)
            for start in range(0, len(nodes), size)
        ]
        right, unsure, loss = (torch.cat(each) for each in zip(*parts, strict=True))
        if bool(unsure.any()):
            self._again(right, unsure, nodes, values, truth)
        return right, loss

    def _judge(self, nodes: Tensor, values: Tensor, truth: Truth) -> tuple[Tensor, Tensor, Tensor]:
        """Judge some edits: which rows are right, which of them nearly tie (E, B), summed losses (E,)."""
        scores = self._scores(nodes, values - self.outputs.T[nodes])
        if truth.form == "distance":
            scores.neg_()
        true, best = split_off(scores, truth.labels)
        margin = true - best
        unsure = ~(margin.abs() > NEAR * (true.abs() + best.abs() + self._size()))  # NaN is unsure
        return margin > 0, unsure, cross_entropy(scores, true, best, truth)

    def _scores(self, nodes: Tensor, moved: Tensor) -> Tensor:
        """Give the changed network outputs, (E, C, B)."""
        weight = self.linear.weight.T[nodes]  # (E, H)
        if all(isinstance(step, Negate) for step in self.tail):
            changed = torch.addcmul(self.by_class[None], moved[:, None], weight[:, :, None])
            return changed.neg_() if len(self.tail) % 2 else changed
        changed = torch.addcmul(self.reached[None], moved[:, :, None], weight[:, None])
        outputs = run(self.tail, changed.flatten(0, 1))
        return outputs.view(len(nodes), len(self.reached), -1).transpose(1, 2).contiguous()

    def _size(self) -> Tensor:
        """Size of what was added to, (B,): where terms cancel, errors are relative to it."""
        return 2 * self.reached.abs().amax(1)

    def _again(self, right: Tensor, unsure: Tensor, nodes: Tensor, values: Tensor, truth: Truth) -> None:
        """Run the rows that nearly tie the plain way, and correct `right` in place."""
        edit, row = unsure.nonzero(as_tuple=True)
        for start in range(0, len(edit), 4096):
            part = slice(start, start + 4096)
            changed = self.outputs[row[part]]
            changed[torch.arange(len(changed), device=changed.device), nodes[edit[part]]] = values[
                edit[part], row[part]
            ]
            guess = classes(run([self.linear, *self.tail], changed), truth.form)
            right[edit[part], row[part]] = guess == truth.labels[row[part]]


def rank_one(site: Site) -> RankOne:
    """Prepare a block whose activation output a linear map reads."""
    outputs = run(site.active, site.z.clone())
    linear = site.rest[0]
    assert isinstance(linear, nn.Linear)
    reached = linear(outputs)
    return RankOne(site, outputs, linear, reached, reached.T.contiguous(), site.rest[1:])

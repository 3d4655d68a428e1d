"""Changes of one node that a linear map inside the network reads: what follows that map runs on a stack of edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.interventions.engine.rank_one import SingleNodes, replaced
from interp.interventions.engine.scores import CELLS, Truth, classes, label_scores
from interp.interventions.engine.sites import Site
from interp.interventions.engine.verdicts import Verdicts, joined, judge
from interp.network.chain import run

NEAR = 3e-5
"""Margin, relative to the scores' size, below which a row is run the plain way; float32 sums differ by ~1e-6."""


@dataclass(frozen=True)
class Inside:
    """One block of rows.

    Attributes
    ----------
    outputs
        (B, N) of the edited layer.
    reached
        (B, H) what `linear` makes of them.
    tail
        Steps after it.
    """

    site: Site
    truth: Truth
    outputs: Tensor
    linear: nn.Linear
    reached: Tensor
    tail: Sequence[nn.Module]

    def judge(self, edits: SingleNodes) -> tuple[Tensor, Tensor]:
        """Judge edits of one node each: which rows are right (E, B), summed losses (E,)."""
        old = self.outputs.T[edits.nodes]
        new = edits.values(slice(None), old, self.site)
        size = max(1, CELLS // self.reached.numel())
        parts = zip(torch.split(edits.nodes, size), torch.split(new - old, size), strict=True)

        def again(edit: Tensor, row: Tensor) -> Tensor:
            outputs = replaced(self.outputs, edits.nodes, new, edit, row)
            return classes(run([self.linear, *self.tail], outputs), self.truth.form)

        return joined([self._stack(*part) for part in parts]).settled(self.truth, again)

    def _stack(self, nodes: Tensor, change: Tensor) -> Verdicts:
        """Judge edits of nodes (E,) by how much their outputs change, (E, B)."""
        weight = self.linear.weight.T[nodes]  # (E, H)
        reached = torch.addcmul(self.reached, change[:, :, None], weight[:, None])
        outputs = run(self.tail, reached.flatten(0, 1))
        scores = outputs.view(*change.shape, -1).transpose(1, 2).contiguous()
        # where terms cancel, errors are relative to the size of what was added to
        rounding = NEAR * (2 * scores.abs().amax(1) + 2 * self.reached.abs().amax(1))
        true = label_scores(scores, self.truth.labels)
        others = scores.scatter_(1, self.truth.labels.expand(len(scores), 1, -1), -torch.inf)
        return judge(true, others, rounding, self.truth.losses)


def open_inside(site: Site, truth: Truth) -> Inside:
    """Give one block of rows at a layer whose outputs a linear map reads."""
    linear, *tail = site.place.rest
    assert isinstance(linear, nn.Linear)
    outputs = run(site.place.active, site.z.clone())
    return Inside(site, truth, outputs, linear, linear(outputs), tail)

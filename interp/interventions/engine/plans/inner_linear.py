"""Changes of one node that a linear map inside the network reads: what follows that map runs on a stack of edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.interventions.engine.answers import ClassAnswers
from interp.interventions.engine.outcomes import CELLS, label_logits
from interp.interventions.engine.plans.near_ties import QuickOutcomes, joined, quick_outcomes
from interp.interventions.engine.plans.rank_one import SingleNodes, replaced
from interp.interventions.engine.sites import ChainState
from interp.network.chain import run
from interp.tasks import predict

NEAR = 3e-5
"""Margin, relative to the logits' size, below which a row is run by a full pass; float32 sums differ by ~1e-6."""


@dataclass(frozen=True)
class InnerLinear:
    """One block of rows at a site that a linear map inside the network reads.

    Attributes
    ----------
    state
        Network run up to the site.
    answers
        Labels of the rows.
    outputs
        Activation outputs of the site, (B, N).
    linear
        Linear map that reads these outputs.
    reached
        Outputs of that map, (B, H).
    following
        Steps after that map.
    """

    state: ChainState
    answers: ClassAnswers
    outputs: Tensor
    linear: nn.Linear
    reached: Tensor
    following: Sequence[nn.Module]

    def outcomes(self, edits: SingleNodes) -> tuple[Tensor, Tensor]:
        """Give the outcomes of edits of one node each: which rows are right (E, B), summed losses (E,)."""
        old = self.outputs.T[edits.nodes]
        new = edits.values(slice(None), old, self.state)
        size = max(1, CELLS // self.reached.numel())
        parts = zip(torch.split(edits.nodes, size), torch.split(new - old, size), strict=True)

        def again(edit: Tensor, row: Tensor) -> Tensor:
            outputs = replaced(self.outputs, edits.nodes, new, edit, row)
            return predict(run([self.linear, *self.following], outputs), self.answers.form)

        return joined([self._stack(*part) for part in parts]).settled(self.answers.labels, again)

    def _stack(self, nodes: Tensor, change: Tensor) -> QuickOutcomes:
        """Give the outcomes of edits of nodes (E,) from how much their outputs change, (E, B)."""
        weight = self.linear.weight.T[nodes]  # (E, H)
        reached = torch.addcmul(self.reached, change[:, :, None], weight[:, None])
        outputs = run(self.following, reached.flatten(0, 1))
        logits = outputs.view(*change.shape, -1).transpose(1, 2).contiguous()
        # where terms cancel, errors are relative to the size of what was added to
        rounding = NEAR * (2 * logits.abs().amax(1) + 2 * self.reached.abs().amax(1))
        true = label_logits(logits, self.answers.labels)
        others = logits.scatter_(1, self.answers.labels.expand(len(logits), 1, -1), -torch.inf)
        return quick_outcomes(true, others, rounding, self.answers.losses)


def open_inner_linear(state: ChainState, answers: ClassAnswers) -> InnerLinear:
    """Read a block of rows with the linear map that follows the site."""
    linear, *following = state.site.following
    assert isinstance(linear, nn.Linear)
    outputs = run(state.site.active, state.z.clone())
    return InnerLinear(state, answers, outputs, linear, linear(outputs), following)

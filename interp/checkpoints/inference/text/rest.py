"""Which of the choices that do equally well stands: the usual one, or one that leaves the loss at rest where it is not.

Slopes tell a mean from a sum, and whether padding was left out, where all weights take part at every token. Behind
convolutions, of which a maximum hides most, they were found to tell next to nothing, and the usual choice stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.alternatives import Tried
from interp.checkpoints.inference.candidates.trial import scores_differ
from interp.checkpoints.inference.text.network import Choice, TextNetwork
from interp.checkpoints.inference.text.parts import TextParts
from interp.checkpoints.inference.weighing.slopes import SlopeSums
from interp.tasks import Scorer

Fact = Callable[[Choice], str]

BLOCKS, BLOCK = 20, 100
"""Least number of blocks of rows, whose slopes are compared, and largest number of rows of one."""

MARGIN = 0.25
"""Difference of slopes, logarithms of squared t values, up to which the more usual choice stands: fixed on 48 networks
(docs/inference.md)."""


@dataclass(frozen=True)
class Rows:
    """Training rows that choices are tried on.

    Attributes
    ----------
    x
        Tokens (S, T).
    lengths
        Numbers of tokens that are no padding, (S,); None where none is.
    truth
        Labels or targets, (S, ...).
    scorer
        Scorer of outputs on these rows.
    """

    x: Tensor
    lengths: Tensor | None
    truth: Tensor
    scorer: Scorer

    def take(self, some: slice) -> Rows:
        """Give some of the rows."""
        return Rows(self.x[some], None if self.lengths is None else self.lengths[some], self.truth[some], self.scorer)


def oddness(choice: Choice, usual: Choice, facts: Sequence[Fact]) -> int:
    """Count the facts in which a choice is another than the usual one."""
    return sum(value(choice) != value(usual) for value in facts)


def settled(
    parts: TextParts, usual: Choice, tried: Sequence[Tried[Choice]], facts: Sequence[Fact], rows: Rows
) -> tuple[Tried[Choice], Mapping[Choice, float]]:
    """Take the most usual of the choices that do no worse than the best, and of a bag of tokens leave slopes as small.

    Parameters
    ----------
    parts
        Parts of the network.
    usual
        Choice that is usual in every fact.
    tried
        Trials of choices on the same rows.
    facts
        Functions that read facts off a choice.
    rows
        These rows.

    Returns
    -------
    best
        Trial of the choice that stands.
    slopes
        Choice -> slopes of the loss under it; empty where they were not looked at.
    """
    top = min(tried, key=lambda one: one.merit)
    equal = [one for one in tried if not scores_differ(top.per_sample, one.per_sample)]
    slopes: dict[Choice, float] = {}
    if len(equal) > 1 and not parts.branches:
        slopes = {one.choice: slopes_of(parts, one.choice, rows) for one in equal}
        least = min(slopes.values())
        equal = [one for one in equal if slopes[one.choice] <= least + MARGIN]
    best = min(equal, key=lambda one: (oddness(one.choice, usual, facts), slopes.get(one.choice, 0.0), one.merit))
    return best, slopes


def slopes_of(parts: TextParts, choice: Choice, rows: Rows) -> float:
    """Give the mean over all tensors of the logarithm of the mean squared t value of the loss's slopes.

    Training ends where the loss no longer changes with the weights, so that under the choice that was trained slopes
    are as small as noise leaves them.

    Parameters
    ----------
    parts
        Parts of the network.
    choice
        Interpretation of what the tensors do not tell.
    rows
        Training rows.
    """
    name, table = parts.embedding
    known, flat = torch.unique(torch.cat([torch.zeros(1).to(rows.x), rows.x.flatten()]), return_inverse=True)
    own = replace(rows, x=flat[1:].reshape(rows.x.shape))  # of a table of the tokens at hand; token 0 stays 0
    network = TextNetwork(replace(parts, embedding=(name, table[known])), choice).eval()
    holding = [part for part in network.modules() if any(True for _ in part.parameters(recurse=False))]
    sums, size = SlopeSums(holding), max(1, min(BLOCK, len(own.x) // BLOCKS))
    with torch.enable_grad():
        for start in range(0, len(own.x) - size + 1, size):
            some = own.take(slice(start, start + size))
            _, loss = some.scorer(network(some.x, some.lengths), some.truth, "linear")
            slopes = torch.autograd.grad(loss.sum(), sums.parameters)
            sums.add(sums.looked_at([one[None] for one in slopes]))
    return float(np.mean([one.size for one in sums.found()]))

"""Convolutional networks run forth and back over the same rows: forth together as far as they are alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, product

import torch
from torch import Tensor

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.convolutional.quicker import joined_plan
from interp.checkpoints.inference.convolutional.together import Together, channels_side_by_side
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.passes import Pass, loss_of
from interp.checkpoints.inference.weighing.slopes import SlopeSums
from interp.network.quick.denormals import denormals_as_zero
from interp.network.quick.side_by_side import side_by_side
from interp.tasks import Scorer
from interp.types import Array


class PassesTogether:
    """Candidates with the rows to run them on.

    Parameters
    ----------
    layers
        Layers in running order, convolutions first, none with slopes.
    candidates
        Candidates, which may have any scalings.
    inputs
        Inputs of the rows as stored, (S, D).
    truth
        Labels of the rows, (S,).
    scorers
        Scorer of outputs by the name of the scaling of the inputs.

    Attributes
    ----------
    sums
        Sums of slopes of each candidate, to which those of `blocks` are added.
    """

    sums: dict[Candidate, SlopeSums]

    def __init__(
        self,
        layers: Sequence[Layer],
        candidates: Sequence[Candidate],
        inputs: Array,
        truth: Tensor,
        scorers: Mapping[str, Scorer],
    ) -> None:
        self._inputs, self._truth, self._scorers = inputs, truth, scorers
        self._plain = {one: replace(one, output="linear") for one in candidates}
        distinct = list(dict.fromkeys(self._plain.values()))
        self._together = Together(layers, distinct, channels_side_by_side, joined_plan)
        self.sums = {one: SlopeSums(self._together.modules[plain]) for one, plain in self._plain.items()}

    def blocks(self, size: int) -> Iterator[dict[Candidate, Pass]]:
        """Yield what the rows of each block, in order, give for every candidate.

        Parameters
        ----------
        size
            Number of rows of a block; the last may have fewer.

        Yields
        ------
        dict of Pass
            Candidate -> its pass over the block, with the slopes that its sums look at.
        """
        items = product(range(0, len(self._truth), size), self._together.roots)
        parts = side_by_side(lambda item: (item[0], self._passed(item[1], slice(item[0], item[0] + size))), items)
        for _, same in groupby(parts, key=lambda part: part[0]):
            yield {candidate: passed for _, found in same for candidate, passed in found.items()}

    def _passed(self, root: Candidate, rows: slice) -> dict[Candidate, Pass]:
        """Run the networks of one scaling on some rows."""
        found, truth = {}, self._truth[rows]
        with torch.enable_grad(), denormals_as_zero():
            for plain, end in self._together.outputs(root, self._inputs[rows]):
                for candidate in (one for one, linear in self._plain.items() if linear == plain):
                    sums = self.sums[candidate]
                    loss = loss_of(end, candidate, truth, self._scorers[candidate.scaling.name])
                    # what comes before is kept for the networks that follow
                    at_end, *slopes = torch.autograd.grad(loss, [end, *sums.parameters], retain_graph=True)
                    looked_at = sums.looked_at([one[None] for one in slopes])
                    found[candidate] = Pass(end.detach(), at_end, looked_at)
        return found

"""A dense network run forth and back over rows: its outputs, and slopes of the loss in every weight, by blocks.

Layers are run over many blocks at once: each block's slopes follow from what a module reads and the slope at its
output. What comes before and in the first of them is the same for all activations, and is run once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import scored_as
from interp.checkpoints.inference.candidates.trial import apply_output
from interp.checkpoints.inference.weighing.block_slopes import block_slopes, has_weights
from interp.checkpoints.inference.weighing.slopes import every
from interp.checkpoints.inference.weighing.stretch import Stretch
from interp.network.activations import ACTIVATIONS
from interp.network.inputs import as_tensor
from interp.tasks import Scorer
from interp.types import Array

AT_ONCE = 2**20
"""Largest number of values of one dense layer that are run at once, 4 MB, and of its slopes four times as many."""

KEPT = 2**24
"""Largest number of inputs and outputs of the first layer that are kept from one candidate to the next, 64 MB."""


@dataclass(frozen=True)
class Pass:
    """Some rows run forth and back; B blocks of them.

    Attributes
    ----------
    z
        Last layer's z, (S, C).
    at_end
        Slope of the loss in it, (S, C).
    slopes
        Slopes of the summed loss of each block in each tensor of weights, in running order, (B, ...) each; of large
        tensors those that `SlopeSums` looks at, (B, K).
    """

    z: Tensor
    at_end: Tensor
    slopes: Sequence[Tensor]


class Beginnings:
    """Rows as the first layer reads them, scaled, and what it gives, kept until another scaling is asked for.

    Parameters
    ----------
    inputs
        Inputs of some samples as stored, (S, D).
    """

    def __init__(self, inputs: Array) -> None:
        self.inputs = inputs
        self._scaling = ""
        self._kept: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def begun(self, candidate: Candidate, first: nn.Linear, rows: slice) -> tuple[Tensor, Tensor]:
        """Give some rows scaled, (S, D), and what the first dense layer makes of them, (S, N)."""
        if self._scaling != candidate.scaling.name:
            self._scaling = candidate.scaling.name
            self._kept.clear()
        place = (rows.start, rows.stop)
        if place in self._kept:
            return self._kept[place]
        x = as_tensor(self.inputs[rows], candidate.scaling, (self.inputs.shape[1],))
        found = x, first(x)
        if (first.in_features + first.out_features) * len(self.inputs) <= KEPT:
            self._kept[place] = found
        return found


def passes(
    network: Stretch,
    names: Sequence[str],
    candidate: Candidate,
    rows: Beginnings,
    truth: Tensor,
    scorer: Scorer,
    size: int,
) -> Iterator[Pass]:
    """Run a network of dense layers forth and back, some blocks of rows at a time.

    Parameters
    ----------
    network
        Network of the candidate.
    names
        Activation behind each hidden layer.
    candidate
        Candidate, for its scaling and its output.
    rows
        Rows to run.
    truth
        Labels of the rows, (S,).
    scorer
        Scorer of outputs under the candidate's scaling.
    size
        Number of rows of a block; the last may have fewer.

    Yields
    ------
    Pass
        Rows of the next blocks.
    """
    first = network.parts[0][0]
    assert isinstance(first, nn.Linear)
    dense = [module for module in network.modules if isinstance(module, nn.Linear)]
    with torch.enable_grad():
        for some in _blocks_at_once(len(truth), size, dense):
            run = _Run(first, *rows.begun(candidate, first, some))
            end = run.through((network.parts[0][1:], *network.parts[1:]), names)
            at_end, *given = torch.autograd.grad(loss_of(end, candidate, truth[some], scorer), [end, *run.given])
            yield Pass(end.detach(), at_end, run.slopes(given, min(size, len(end))))


def loss_of(z: Tensor, candidate: Candidate, truth: Tensor, scorer: Scorer) -> Tensor:
    """Give the summed loss of the last layer's z (S, C) of some rows under a candidate's form of the outputs."""
    return scorer(apply_output(z, candidate), truth, scored_as(candidate.output))[1].sum()


class _Run:
    """Modules with weights that have run, with what each has read and given."""

    def __init__(self, first: nn.Module, read: Tensor, given: Tensor) -> None:
        self.modules, self.read, self.given = [first], [read], [given.detach().requires_grad_()]

    def through(self, parts: Sequence[Sequence[nn.Module]], names: Sequence[str]) -> Tensor:
        """Run modules from what was given first, with an activation between two parts."""
        values = self.given[0]
        for number, part in enumerate(parts):
            if number:
                values = ACTIVATIONS[names[number - 1]](values)
            for module in part:
                read, values = values, module(values)
                if has_weights(module):
                    self.modules.append(module)
                    self.read.append(read.detach())
                    self.given.append(values)
        return values

    def slopes(self, given: Sequence[Tensor], size: int) -> list[Tensor]:
        """Give the slopes of each block in all weights, from the slopes at what was given."""
        runs = zip(self.modules, self.read, given, strict=True)
        return [slopes for module, read, slope in runs for slopes in block_slopes(module, read, slope, size)]


def _blocks_at_once(rows: int, size: int, dense: Sequence[nn.Linear]) -> Iterator[slice]:
    """Yield as many whole blocks at once as their values and slopes allow, and the rows that are left."""
    values = size * max(one.out_features for one in dense)
    slopes = max(one.weight.numel() // every(one.weight) for one in dense)
    whole = rows // size * size
    yield from _parts(0, whole, size * max(1, min(AT_ONCE // values, 4 * AT_ONCE // slopes)))
    yield from _parts(whole, rows, size)


def _parts(first: int, last: int, step: int) -> Iterator[slice]:
    return (slice(at, min(at + step, last)) for at in range(first, last, step))

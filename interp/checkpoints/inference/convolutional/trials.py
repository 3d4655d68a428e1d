"""Candidates of a stack with convolutions, tried on rows: what several networks compute alike is computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import scored_as
from interp.checkpoints.inference.candidates.trial import Trial, apply_output, known_scores
from interp.checkpoints.inference.convolutional.quicker import quick_plan
from interp.checkpoints.inference.convolutional.together import Together, channels_side_by_side
from interp.checkpoints.inference.stack.layers import Layer
from interp.network.inputs import FEWEST_IMAGES, images_a_block
from interp.network.quick.joined import NormedConv2d
from interp.network.quick.parts import make_quick
from interp.network.quick.side_by_side import side_by_side
from interp.tasks import Scorer
from interp.types import Array

SHARERS = 4
"""Number of threads among which blocks are shared evenly; whatever their number, blocks are the same."""


class Runs:
    """Outputs of networks on the rows that they were tried on, so that of more rows only the new ones are run."""

    def __init__(self) -> None:
        self._inputs: Array = np.empty((0, 0))
        self._outputs: dict[Candidate, Tensor] = {}

    def begin(self, inputs: Array) -> None:
        """Keep what is known where these rows (S, D) and those of before begin alike; else forget it."""
        shared = min(len(inputs), len(self._inputs))
        if not np.array_equal(inputs[:shared], self._inputs[:shared]):
            self._outputs.clear()
            self._inputs = inputs
        elif len(inputs) > len(self._inputs):
            self._inputs = inputs

    def outputs(self, layers: Sequence[Layer], candidates: Sequence[Candidate], inputs: Array) -> list[Tensor]:
        """Give the outputs (S, C) of each of some networks on the rows that were begun with."""
        lacking: dict[int, list[Candidate]] = {}
        for candidate in dict.fromkeys(candidates):
            if (seen := self._seen(candidate)) < len(inputs):
                lacking.setdefault(seen, []).append(candidate)
        for seen, alike in lacking.items():
            for candidate, new in _outputs(layers, alike, inputs[seen:]).items():
                self._outputs[candidate] = torch.cat([self._outputs[candidate], new]) if seen else new
        return [self._outputs[candidate][: len(inputs)] for candidate in candidates]

    def _seen(self, candidate: Candidate) -> int:
        """Give the number of rows that a network was run on."""
        return len(self._outputs[candidate]) if candidate in self._outputs else 0


def try_convolutional(
    layers: Sequence[Layer],
    scorers: Mapping[str, Scorer],
    candidates: Sequence[Candidate],
    inputs: Array,
    values: Array,
    runs: Runs | None = None,
) -> list[Trial]:
    """Try candidates as `try_dense` does; those that differ in the output's form alone share a run.

    Parameters
    ----------
    layers, scorers, candidates, inputs, values
        Arguments of `try_dense`.
    runs
        Outputs on rows of before, which are not run again; None for none.
    """
    runs = runs or Runs()
    runs.begin(inputs)
    truth = torch.from_numpy(values)
    forms = [_form(layers, candidate) for candidate in candidates]
    trials = []
    for candidate, form, found in zip(candidates, forms, runs.outputs(layers, forms, inputs), strict=True):
        negated = form.ends_active and candidate.output == "negated-activation"
        outputs = -found if negated else found if form.ends_active else apply_output(found, candidate)
        per_sample, loss = scorers[candidate.scaling.name](outputs, truth, scored_as(candidate.output))
        trials.append(Trial(candidate, known_scores(per_sample), float(loss.double().mean())))
    return trials


def _form(layers: Sequence[Layer], candidate: Candidate) -> Candidate:
    """Give the candidate whose network is run: an activation before the mean over positions is no function of it."""
    own = layers[-1].is_convolution and candidate.ends_active
    return replace(candidate, output="activation" if own else "linear")


def _ready(module: nn.Module) -> nn.Module:
    return make_quick(channels_side_by_side(module.fused() if isinstance(module, NormedConv2d) else module))


def _outputs(layers: Sequence[Layer], candidates: Sequence[Candidate], inputs: Array) -> dict[Candidate, Tensor]:
    """Run networks on rows (S, D), block by block, those of each scaling and each block in a thread."""
    together = Together(layers, candidates, _ready, quick_plan)
    layout = candidates[0].layout
    assert layout is not None
    most = images_a_block(len(layers[0].weight), layout.image, sum(layer.weight.numel() for layer in layers))
    size = shared_evenly(len(inputs), most, len(together.roots))

    @torch.no_grad()
    def run(item: tuple[int, Candidate]) -> list[tuple[Candidate, Tensor]]:
        at, root = item
        return list(together.outputs(root, inputs[at : at + size]))

    found: dict[Candidate, list[Tensor]] = {}
    for ends in side_by_side(run, product(range(0, len(inputs), size), together.roots)):
        for candidate, outputs in ends:
            found.setdefault(candidate, []).append(outputs)
    return {candidate: torch.from_numpy(np.nan_to_num(torch.cat(own).numpy())) for candidate, own in found.items()}


def shared_evenly(rows: int, most: int, runs: int) -> int:
    """Give the number of rows of a block so that threads have as much to do, where blocks do not get too small.

    Parameters
    ----------
    rows
        Number of rows.
    most
        Largest number of rows of a block.
    runs
        Number of times that all blocks are run.

    Examples
    --------
    >>> shared_evenly(128, 128, 4), shared_evenly(400, 128, 1), shared_evenly(50, 128, 1), shared_evenly(1000, 128, 3)
    (128, 100, 50, 125)
    """
    least = -(-rows // most)
    even = next(count for count in range(least, least + SHARERS) if count * runs % SHARERS == 0)
    return -(-rows // max(least, min(even, rows // FEWEST_IMAGES)))

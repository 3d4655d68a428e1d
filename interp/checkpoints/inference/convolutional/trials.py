"""Candidates of a stack with convolutions, tried on rows: each distinct network is built and run once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import scored_as
from interp.checkpoints.inference.candidates.trial import Trial, apply_output, known_scores
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.layers import Layer
from interp.network.inputs import IMAGE_BLOCK, as_tensor
from interp.network.quick.parts import make_quick
from interp.tasks import Scorer
from interp.types import Array


class Runs:
    """Outputs of networks on the rows that they were tried on, so that of more rows only the new ones are run."""

    def __init__(self) -> None:
        self._inputs: Array = np.empty((0, 0))
        self._outputs: dict[Candidate, torch.Tensor] = {}

    def begin(self, inputs: Array) -> None:
        """Keep what is known where these rows (S, D) and those of before begin alike; else forget it."""
        shared = min(len(inputs), len(self._inputs))
        if not np.array_equal(inputs[:shared], self._inputs[:shared]):
            self._outputs.clear()
            self._inputs = inputs
        elif len(inputs) > len(self._inputs):
            self._inputs = inputs

    def outputs(self, layers: Sequence[Layer], candidate: Candidate, inputs: Array) -> torch.Tensor:
        """Give a network's outputs (S, C) on the rows that were begun with."""
        known = self._outputs.get(candidate)
        seen = 0 if known is None else len(known)
        if seen < len(inputs):
            new = _outputs(layers, candidate, inputs[seen:])
            known = new if known is None else torch.cat([known, new])
            self._outputs[candidate] = known
        assert known is not None
        return known[: len(inputs)]


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
    trials = []
    for candidate in candidates:
        # an activation before the mean over positions is no function of that mean
        own = layers[-1].is_convolution and candidate.ends_active
        shared = replace(candidate, output="activation" if own else "linear")
        negated = own and candidate.output == "negated-activation"
        found = runs.outputs(layers, shared, inputs)
        outputs = -found if negated else found if own else apply_output(found, candidate)
        per_sample, loss = scorers[candidate.scaling.name](outputs, truth, scored_as(candidate.output))
        trials.append(Trial(candidate, known_scores(per_sample), float(loss.double().mean())))
    return trials


@torch.no_grad()
def _outputs(layers: Sequence[Layer], candidate: Candidate, inputs: Array) -> torch.Tensor:
    assert candidate.layout is not None
    network = make_quick(rebuild(layers, candidate).to(memory_format=torch.channels_last))
    shape = candidate.layout.image
    blocks = range(0, len(inputs), IMAGE_BLOCK)
    found = [network(as_tensor(inputs[at : at + IMAGE_BLOCK], candidate.scaling, shape)) for at in blocks]
    return torch.from_numpy(np.nan_to_num(torch.cat(found).numpy()))

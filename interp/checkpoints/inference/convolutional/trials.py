"""Candidates of a stack with convolutions, tried on rows: each distinct network is built and run once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial, apply_output, known_scores
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.layers import Layer
from interp.network.inputs import IMAGE_BLOCK, as_tensor, channels_last
from interp.tasks import Scorer
from interp.types import Array


def try_convolutional(
    layers: Sequence[Layer],
    scorers: Mapping[str, Scorer],
    candidates: Sequence[Candidate],
    inputs: Array,
    values: Array,
) -> list[Trial]:
    """Try candidates as `try_dense` does; those that differ in the output's form alone share a run."""
    runs: dict[Candidate, torch.Tensor] = {}
    truth = torch.from_numpy(values)
    trials = []
    for candidate in candidates:
        # an activation before the mean over positions is no function of that mean
        own = layers[-1].is_convolution and candidate.output != "linear"
        shared = replace(candidate, output="activation" if own else "linear")
        if shared not in runs:
            runs[shared] = _outputs(layers, shared, inputs)
        negated = own and candidate.output == "negated-activation"
        outputs = -runs[shared] if negated else runs[shared] if own else apply_output(runs[shared], candidate)
        per_sample, loss = scorers[candidate.scaling.name](outputs, truth, "linear")
        trials.append(Trial(candidate, known_scores(per_sample), float(loss.double().mean())))
    return trials


@torch.no_grad()
def _outputs(layers: Sequence[Layer], candidate: Candidate, inputs: Array) -> torch.Tensor:
    assert candidate.layout is not None
    network, shape = channels_last(rebuild(layers, candidate)), candidate.layout.image
    blocks = range(0, len(inputs), IMAGE_BLOCK)
    found = [network(as_tensor(inputs[at : at + IMAGE_BLOCK], candidate.scaling, shape)) for at in blocks]
    return torch.from_numpy(np.nan_to_num(torch.cat(found).numpy()))

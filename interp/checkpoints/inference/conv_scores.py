"""How well readings of a convolutional stack predict labels: each distinct network is built and run once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from interp.checkpoints.inference.readings import Reading, Score, apply_output, known_marks
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stacked import Layer
from interp.network.inputs import IMAGE_BLOCK, as_tensor, channels_last
from interp.tasks import Scorer
from interp.types import Array


def score_networks(
    layers: Sequence[Layer], scorers: Mapping[str, Scorer], readings: Sequence[Reading], inputs: Array, values: Array
) -> list[Score]:
    """Score readings as `score_readings` does; those that differ in the output's form alone share a run."""
    runs: dict[Reading, torch.Tensor] = {}
    truth = torch.from_numpy(values)
    scores = []
    for reading in readings:
        # an activation before the mean over positions is no function of that mean
        own = layers[-1].is_convolution and reading.output != "linear"
        shared = replace(reading, output="activation" if own else "linear")
        if shared not in runs:
            runs[shared] = _outputs(layers, shared, inputs)
        negated = own and reading.output == "negated-activation"
        outputs = -runs[shared] if negated else runs[shared] if own else apply_output(runs[shared], reading)
        marks, loss = scorers[reading.scaling.name](outputs, truth, "linear")
        scores.append(Score(reading, known_marks(marks), float(loss.double().mean())))
    return scores


@torch.no_grad()
def _outputs(layers: Sequence[Layer], reading: Reading, inputs: Array) -> torch.Tensor:
    assert reading.placement is not None
    network, shape = channels_last(rebuild(layers, reading)), reading.placement.image
    blocks = range(0, len(inputs), IMAGE_BLOCK)
    found = [network(as_tensor(inputs[at : at + IMAGE_BLOCK], reading.scaling, shape)) for at in blocks]
    return torch.from_numpy(np.nan_to_num(torch.cat(found).numpy()))

"""How well readings of a convolutional stack predict labels: each distinct network is built and run once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from interp.checkpoints.readings import Reading, Score, apply_output
from interp.checkpoints.rebuild import rebuild
from interp.checkpoints.stack import Layer
from interp.inputs import as_tensor
from interp.scoring import losses, predict
from interp.types import Array

BLOCK = 256  # rows whose feature maps stay in the processor's cache


def score_networks(layers: Sequence[Layer], readings: Sequence[Reading], inputs: Array, labels: Array) -> list[Score]:
    """Score readings on labelled rows; those that differ in the output's form alone share a run.

    Parameters
    ----------
    inputs
        As stored, (S, D).
    labels
        (S,).
    """
    runs: dict[Reading, torch.Tensor] = {}
    truth = torch.from_numpy(labels)
    scores = []
    for reading in readings:
        plain = replace(reading, output="linear")
        if plain not in runs:
            runs[plain] = _last_z(layers, plain, inputs)
        outputs = apply_output(runs[plain], reading)
        correct = (predict(outputs, "linear") == truth).numpy()
        scores.append(Score(reading, correct, float(losses(outputs, truth, "linear").double().mean())))
    return scores


@torch.no_grad()
def _last_z(layers: Sequence[Layer], reading: Reading, inputs: Array) -> torch.Tensor:
    assert reading.placement is not None
    network, shape = rebuild(layers, reading), reading.placement.image
    blocks = range(0, len(inputs), BLOCK)
    found = [network(as_tensor(inputs[at : at + BLOCK], reading.scaling, shape)) for at in blocks]
    return torch.from_numpy(np.nan_to_num(torch.cat(found).numpy()))

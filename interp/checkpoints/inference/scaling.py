"""Which input scaling a network that is known but for that was trained on."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from interp.checkpoints.inference.candidates.trial import known_scores, scores_differ
from interp.checkpoints.inference.explain import level
from interp.data import RAW, scalings
from interp.network.inputs import as_tensor, device_of
from interp.tasks import ASSUMED, find_task
from interp.types import Dataset, Inference, Scaling

SAMPLE = 5000
PARTS = 20
"""Largest number of blocks that the sample is run in."""

ROWS, VALUES = 250, 2**20
"""Number of rows, and of their values, up to which a sample need not be run in more blocks: short ones take longer."""


@torch.no_grad()
def choose_scaling(
    module: nn.Module,
    data: Dataset,
    shape: tuple[int, ...],
    task: str = ASSUMED.name,
    form: str = "linear",
) -> tuple[Scaling, Inference]:
    """Choose the scaling of inputs under which a module has the best score on training rows.

    Parameters
    ----------
    module
        Module in eval mode.
    data
        Data whose training split decides.
    shape
        Shape of one sample as the module takes it.
    task
        Name of the task, for `interp.tasks.find_task`.
    form
        Form of the outputs, as `LoadedModel.output` names it: ``linear``, ``softmax``, ``sigmoid`` and so on.

    Returns
    -------
    scaling
        Best of `interp.data.scalings`; raw inputs where there are no labels or targets.
    fact
        Name of the scaling with the evidence.
    """
    asked = find_task(task)
    values = asked.answers(data.train)
    if values is None:
        return RAW, Inference(RAW.name, "uncertain", "assumed: without labels nothing can be tested")
    rows = np.sort(np.random.default_rng(0).choice(len(values), min(len(values), SAMPLE), replace=False))
    tried, device = scalings(data), device_of(module)
    if len(tried) == 1:
        return RAW, Inference(RAW.name, "certain", "whole numbers that stand for themselves are never scaled")
    scores = {}
    for name, scaling in tried.items():
        parts = [data.train.inputs[part] for part in np.array_split(rows, _blocks(len(rows), math.prod(shape)))]
        outputs = torch.cat([module(as_tensor(part, scaling, shape).to(device)).cpu() for part in parts])
        scorer = asked.scorer_of(data.train, values, scaling)
        scores[name] = known_scores(scorer(outputs, torch.from_numpy(values[rows]), form)[0])
    best, second = sorted(scores, key=lambda name: -scores[name].mean())[:2]
    firm = scores_differ(scores[best], scores[second])
    evidence = (
        f"{asked.described(scores[best].mean())} on {len(rows):,} training rows;"
        f" next best {second} {asked.described(scores[second].mean())}"
    )
    return tried[best], Inference(best, level(firm), evidence)


def _blocks(rows: int, width: int) -> int:
    """Give the number of blocks that rows of some values are run in."""
    return min(PARTS, -(-rows // max(1, min(ROWS, VALUES // max(1, width)))))

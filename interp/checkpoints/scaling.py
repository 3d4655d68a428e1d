"""Which input scaling a network that is known but for that was trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from interp.checkpoints.explain import level
from interp.checkpoints.race import SIGNIFICANT
from interp.checkpoints.trained import nearest_mean_accuracy
from interp.datasets import RAW, parse_scaling, scalings
from interp.inputs import as_tensor
from interp.scoring import predict
from interp.statistics import mcnemar
from interp.types import Dataset, Inference, Scaling

SAMPLE = 5000
PARTS = 20  # blocks the sample is run in


@torch.no_grad()
def choose_scaling(
    module: nn.Module, data: Dataset, shape: tuple[int, ...], given: str | None
) -> tuple[Scaling, Inference]:
    """Choose the scaling under which a module predicts most training labels; a given one stands."""
    if given is not None:
        scaling = parse_scaling(given, data)
        return scaling, Inference(scaling.name, "certain", "given with --scaling")
    labels = data.train.labels
    if labels is None:
        return RAW, Inference(RAW.name, "uncertain", "assumed: without labels nothing can be tested")
    rows = np.sort(np.random.default_rng(0).choice(len(labels), min(len(labels), SAMPLE), replace=False))
    hits = {}
    for name, scaling in scalings(data).items():
        blocks = [module(as_tensor(data.train.inputs[part], scaling, shape)) for part in np.array_split(rows, PARTS)]
        hits[name] = (predict(torch.cat(blocks), "linear").numpy() == labels[rows]).astype(bool)
    best, second = sorted(hits, key=lambda name: -hits[name].mean())[:2]
    p_value = float(mcnemar(int((hits[best] & ~hits[second]).sum()), int((hits[second] & ~hits[best]).sum())))
    firm = p_value < SIGNIFICANT and hits[best].mean() > nearest_mean_accuracy(data.train.inputs, labels)
    evidence = (
        f"{hits[best].mean():.2%} right on {len(rows):,} training rows; next best {second} {hits[second].mean():.2%}"
    )
    return scalings(data)[best], Inference(best, level(firm), evidence)

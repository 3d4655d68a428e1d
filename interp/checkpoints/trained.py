"""Whether a network was trained at all, and on data like these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from interp.checkpoints.readings import Score
from interp.checkpoints.stack import Layer
from interp.types import Array, Inference


def nearest_mean_accuracy(inputs: Array, labels: Array) -> float:
    """Accuracy of assigning each row to the nearest class mean, fitted and measured on the same rows."""
    classes = np.unique(labels)
    x = torch.from_numpy(np.asarray(inputs[:20_000], np.float32))
    y = torch.from_numpy(labels[:20_000])
    present = [c for c in classes.tolist() if (y == c).any()]
    means = torch.stack([x[y == c].mean(0) for c in present])
    nearest = (x @ means.T - (means**2).sum(1) / 2).argmax(1)
    return float((torch.tensor(present)[nearest] == y).double().mean())


def judge_training(layers: Sequence[Layer], chosen: Score, classes: int, floor: float) -> Inference:
    """Judge by the weights and by the best reading's accuracy beside that of nearest class means."""
    by_weights = trained_from_weights([layer.weight for layer in layers])
    chance = 1 / max(classes, 2)
    accuracy = f"{chosen.accuracy:.2%} right at best, chance is {chance:.0%}"
    if by_weights.value is False and chosen.accuracy < floor:
        return Inference(False, "likely", f"{by_weights.evidence}; {accuracy}")
    if chosen.accuracy > max(floor, 2 * chance) or (by_weights.value and chosen.accuracy > floor):
        return Inference(True, "likely", accuracy)
    return Inference(None, "uncertain", f"{by_weights.evidence}; {accuracy}: other data, or an unknown reading")


def trained_from_weights(weights: Sequence[torch.Tensor]) -> Inference:
    """Tell from the weights alone: PyTorch draws them within 1/sqrt(fan-in), and training leaves that range."""
    reach = max(float(weight.abs().max()) * weight[0].numel() ** 0.5 for weight in weights)
    if reach <= 1.0001:
        return Inference(
            False, "uncertain", f"every weight lies in the default initial range (max |w|*sqrt(fan-in) {reach:.3f})"
        )
    return Inference(None, "uncertain", f"weights leave the default initial range (max |w|*sqrt(fan-in) {reach:.2f})")

"""Scorers: what turns outputs into a score and a loss for every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from interp.tasks.predictions import losses, predict, threshold
from interp.types import Array, Scaling


def score_classes(outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """Score predicted classes against labels (B,): right or wrong, and the cross-entropy in nats."""
    return predict(outputs, form) == values, losses(outputs, values, form)


def score_labels(outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """Score several labels a row, (B, T) zeros and ones: right if all are, and their mean cross-entropy in nats."""
    right = ((outputs > threshold(form)) == (values > 0)).all(1)
    logits = torch.logit(outputs.double(), eps=1e-12) if form == "sigmoid" else outputs
    return right, F.binary_cross_entropy_with_logits(logits, values.to(logits.dtype), reduction="none").mean(1)


@dataclass(frozen=True)
class Explained:
    """Scores measured values by R² = 1 - (sum of squared errors) / (sum of squares about the mean).

    Attributes
    ----------
    weight
        (T,) weight of each output's squared error: the mean of 1 - weighted errors over rows is R².
    scaling
        What is done to the answers before outputs are compared with them; None where nothing is.
    """

    weight: Tensor
    scaling: Scaling | None = None

    def __call__(self, outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
        """Score some rows: 1 - weighted squared errors (B,) float64, and the mean squared error."""
        if self.scaling is not None:
            values = torch.from_numpy(self.scaling(values.cpu().numpy())).to(outputs.device)
        squares = (outputs.double() - values.double()) ** 2
        return 1 - squares @ self.weight.to(outputs.device), squares.mean(1)


def each_explained(values: Array) -> Explained:
    """Make the scorer of several measured values, (S, T), whatever the unit of each.

    Its R² is the mean of each value's (scikit-learn's ``uniform_average``); a value that does not vary is left out.
    """
    spread = variances(values, None)
    varies = spread > 0
    weight = np.where(varies, 1 / np.where(varies, spread, 1), 0) / max(varies.sum(), 1)
    return Explained(torch.from_numpy(weight))


def all_explained(values: Array, scaling: Scaling | None = None) -> Explained:
    """Make the scorer of values of one unit, (S, T), scaled first where a scaling is given.

    Its R² is that of all values together (scikit-learn's ``variance_weighted``): in a mean, inputs that hardly vary
    would outweigh all others.
    """
    spread = variances(values, scaling)
    return Explained(torch.full((len(spread),), 1 / max(spread.sum(), 1e-300), dtype=torch.float64), scaling)


def variances(values: Array, scaling: Scaling | None, size: int = 8192) -> Array:
    """Give the variance of each column in float64, (T,), a block at a time about the first block's mean."""
    total, squares, centre = np.zeros(1), np.zeros(1), None
    for start in range(0, len(values), size):
        block = values[start : start + size] if scaling is None else scaling(values[start : start + size])
        block = np.asarray(block, np.float64)
        centre = block.mean(axis=0) if centre is None else centre
        moved = block - centre
        total, squares = total + moved.sum(axis=0), squares + (moved**2).sum(axis=0)
    spread = squares / len(values) - (total / len(values)) ** 2
    return np.asarray(np.where(spread > 1e-12 * squares / len(values), spread, 0.0))

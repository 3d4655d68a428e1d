"""Scorers: functions of outputs that give a score and a loss for every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from interp.tasks.predictions import losses, predict, threshold
from interp.types import Array, Scaling


def score_classes(outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """Compare outputs (B, C) with labels (B,): right or wrong (B,), and the cross-entropy in nats (B,)."""
    return predict(outputs, form) == values, losses(outputs, values, form)


def score_labels(outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """Compare outputs with zeros and ones, both (B, T): right if all are, and the mean cross-entropy in nats."""
    right = ((outputs > threshold(form)) == (values > 0)).all(1)
    logits = torch.logit(outputs.double(), eps=1e-12) if form == "sigmoid" else outputs
    return right, F.binary_cross_entropy_with_logits(logits, values.to(logits.dtype), reduction="none").mean(1)


@dataclass(frozen=True)
class Explained:
    """Scorer of measured values by R² = 1 - (sum of squared errors) / (sum of squares about the mean).

    Attributes
    ----------
    weight
        Weights of the squared errors of the outputs (T,): the mean over rows of 1 - (weighted errors) is R².
    mean
        Means of the answers (T,), scaled.
    scaling
        Scaling of the answers before outputs are compared with them; None where they stay as they are.
    """

    weight: Tensor
    mean: Tensor
    scaling: Scaling | None = None

    def __call__(self, outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
        """Compare outputs with values, both (B, T): 1 - (weighted squared errors), and the mean squared error."""
        squares = (outputs.double() - self._scaled(values)) ** 2
        return 1 - squares @ self.weight.to(outputs.device), squares.mean(1)

    def spread(self, values: Tensor) -> Tensor:
        """Give what the answers of some rows add to the spread that is explained, (B,) of mean 1 over all rows."""
        squares = (self._scaled(values) - self.mean.to(values.device)) ** 2
        return squares @ self.weight.to(values.device)

    def _scaled(self, values: Tensor) -> Tensor:
        if self.scaling is not None:
            values = torch.from_numpy(self.scaling(values.cpu().numpy())).to(values.device)
        return values.double()


def each_explained(values: Array) -> Explained:
    """Make the scorer of measured values that may have different units.

    Its R² is the mean over the columns (scikit-learn's ``uniform_average``); a column that does not vary is left out.

    Parameters
    ----------
    values
        Measured values of all rows (S, T).

    Returns
    -------
    Explained
        Scorer of rows of these values.
    """
    mean, spread = moments(values, None)
    varies = spread > 0
    weight = np.where(varies, 1 / np.where(varies, spread, 1), 0) / max(varies.sum(), 1)
    return Explained(torch.from_numpy(weight), torch.from_numpy(mean))


def all_explained(values: Array, scaling: Scaling | None = None) -> Explained:
    """Make the scorer of values that all have one unit, such as pixels.

    Its R² is that of all values together (scikit-learn's ``variance_weighted``): in a mean over columns, those that
    hardly vary would outweigh all others.

    Parameters
    ----------
    values
        Values of all rows (S, T).
    scaling
        Scaling of the values before outputs are compared with them; None where they stay as they are.

    Returns
    -------
    Explained
        Scorer of rows of these values.
    """
    mean, spread = moments(values, scaling)
    weight = torch.full((len(spread),), 1 / max(spread.sum(), 1e-300), dtype=torch.float64)
    return Explained(weight, torch.from_numpy(mean), scaling)


def moments(values: Array, scaling: Scaling | None, size: int = 8192) -> tuple[Array, Array]:
    """Give mean and variance of each column in float64, computed block by block about the mean of the first block.

    Parameters
    ----------
    values
        Table (S, T).
    scaling
        Scaling of the values; None where they stay as they are.
    size
        Number of rows of a block.

    Returns
    -------
    mean, variance
        (T,) each; a variance is 0 where rounding hides it.
    """
    total, squares, centre = np.zeros(1), np.zeros(1), None
    for start in range(0, len(values), size):
        block = values[start : start + size] if scaling is None else scaling(values[start : start + size])
        block = np.asarray(block, np.float64)
        centre = block.mean(axis=0) if centre is None else centre
        moved = block - centre
        total, squares = total + moved.sum(axis=0), squares + (moved**2).sum(axis=0)
    spread = squares / len(values) - (total / len(values)) ** 2
    assert centre is not None
    return centre + total / len(values), np.where(spread > 1e-12 * squares / len(values), spread, 0.0)

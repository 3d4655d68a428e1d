"""How outputs are marked: a score and a loss for every row.

The score of a set of rows is the mean of its rows' scores, for every task, so that means, intervals and paired tests
are the same code: the share of right rows, or R² = 1 - (sum of squared errors) / (sum of squares about the mean).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from interp.tasks.predictions import PROBABILITIES, losses, predict
from interp.tasks.tasks import COUNTED, R2, TASKS
from interp.types import Array, Scaling


@dataclass(frozen=True)
class Judge:
    """Marks outputs row by row.

    Attributes
    ----------
    task
        A name of `TASKS`.
    scaling
        Of the inputs, which are an autoencoder's targets.
    weight
        (T,) what a squared error of each output counts: with it the mean of 1 - weighted errors is R².
    """

    task: str
    scaling: Scaling
    weight: Tensor

    def __call__(self, outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
        """Mark some rows.

        Parameters
        ----------
        outputs
            (B, C).
        values
            Their `answers`.
        form
            `LoadedModel.output`.

        Returns
        -------
        scores
            (B,) booleans where rows are right or wrong, else float64 at most 1.
        losses
            (B,) cross-entropy in nats (mean over labels where there are several), or mean squared error.
        """
        if self.task in COUNTED:
            return predict(outputs, form) == values, losses(outputs, values, form)
        if self.task == "multi-label":
            return _several(outputs, values, form)
        if self.task == "autoencoder":
            values = torch.from_numpy(self.scaling(values.cpu().numpy())).to(outputs.device)
        squares = (outputs.double() - values.double()) ** 2
        return 1 - squares @ self.weight.to(outputs.device), squares.mean(1)


def judge_of(task: str, values: Array, scaling: Scaling) -> Judge:
    """Make the judge of a set of rows.

    R² of several measured values is the mean of each one's, whatever its unit (scikit-learn's ``uniform_average``;
    a value that does not vary is left out); of a reconstruction it is that of all values together
    (``variance_weighted``), since inputs that hardly vary would outweigh all others.
    """
    if TASKS[task] != R2:
        return Judge(task, scaling, torch.zeros(0))
    spread = _variances(values, scaling if task == "autoencoder" else None)
    if task == "autoencoder":
        return Judge(task, scaling, torch.full((len(spread),), 1 / max(spread.sum(), 1e-300), dtype=torch.float64))
    varies = spread > 0
    weight = np.where(varies, 1 / np.where(varies, spread, 1), 0) / max(varies.sum(), 1)
    return Judge(task, scaling, torch.from_numpy(weight))


def agreement_judge(task: str, outputs: Array) -> Judge:
    """Make the judge of outputs against the network's own unperturbed ones, (S, C) of all rows."""
    known = judge_of("regression" if TASKS[task] == R2 else task, outputs, Scaling("raw"))
    if task != "autoencoder":
        return known
    pooled = 1 / max(float(_variances(outputs, None).sum()), 1e-300)
    return replace(known, weight=torch.full_like(known.weight, pooled))


def own_answers(task: str, outputs: Tensor, form: str) -> Tensor:
    """Turn the unperturbed network's outputs (B, C) into answers that others can be compared with."""
    if task in COUNTED:
        return predict(outputs, form)
    return (outputs > threshold(form)).to(torch.uint8) if task == "multi-label" else outputs


def threshold(form: str) -> float:
    """Give the output above which a label is set."""
    return 0.5 if form in PROBABILITIES else 0.0


def _several(outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
    right = ((outputs > threshold(form)) == (values > 0)).all(1)
    logits = torch.logit(outputs.double(), eps=1e-12) if form == "sigmoid" else outputs
    return right, F.binary_cross_entropy_with_logits(logits, values.to(logits.dtype), reduction="none").mean(1)


def _variances(values: Array, scaling: Scaling | None, size: int = 8192) -> Array:
    """Variance of each column in float64, a block at a time about the first block's mean."""
    total, squares, centre = np.zeros(1), np.zeros(1), None
    for start in range(0, len(values), size):
        block = values[start : start + size] if scaling is None else scaling(values[start : start + size])
        block = np.asarray(block, np.float64)
        centre = block.mean(axis=0) if centre is None else centre
        moved = block - centre
        total, squares = total + moved.sum(axis=0), squares + (moved**2).sum(axis=0)
    spread = squares / len(values) - (total / len(values)) ** 2
    return np.asarray(np.where(spread > 1e-12 * squares / len(values), spread, 0.0))

"""Simple models, fitted to training samples and scored on others: what a network's own score is shown beside."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from interp.tasks.tasks import find_task
from interp.types import Array

ROWS = 10_000
"""Largest number of training samples that a simple model is fitted to."""

FITTED = 31_000_000
"""Largest number of input values that a simple model is fitted to, so that it takes 1.2 GB at most."""

LEAST_ROWS = 100
"""Number of training samples that are taken however many values each has."""

VALUES = 10_000_000
"""Number of input values that are predicted from at once."""


@dataclass(frozen=True)
class Simple:
    """Score of a simple model.

    Attributes
    ----------
    what
        Description of the model in plain words.
    score
        Score on samples that it was not fitted to, in the measure of the task.
    predictions
        Predictions for these samples (S, ...); None where they are not kept.
    """

    what: str
    score: float
    predictions: Array | None = field(default=None, repr=False, compare=False)


def simple_model(task: str, inputs: Array, answers: Array, others: Array, known: Array, seed: int = 0) -> Simple | None:
    """Fit the simple model of a task to training samples, and score it on others.

    Parameters
    ----------
    task
        Name of the task, for `interp.tasks.find_task`.
    inputs, answers
        Inputs of the training samples as stored (S, D), and their answers (S, ...), of which
        `rows_fitted` are drawn.
    others, known
        Inputs and answers of the samples that it is scored on.
    seed
        Seed of the samples drawn.

    Returns
    -------
    Simple or None
        Model and score; None for a task that names none.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [9.0], [10.0]])
    >>> simple_model("classification", x, np.array([0, 0, 1, 1]), np.array([[2.0], [8.0]]), np.array([0, 1])).score
    1.0
    """
    model = find_task(task).simple
    if model is None:
        return None
    rows = np.random.default_rng(seed).permutation(len(inputs))[: rows_fitted(inputs.shape[1])]
    some = inputs[rows]
    mean, spread = units(some)

    def alike(values: Array) -> Tensor:
        return torch.from_numpy(((np.asarray(values, np.float64) - mean) / spread).astype(np.float32))

    what, predict, scored = model(alike(some), torch.from_numpy(answers[rows]))
    if len(rows) < min(ROWS, len(inputs)):
        what += f"; fitted to {len(rows):,} training samples"
    step = max(VALUES // max(others.shape[1], 1), 1)
    guess = torch.cat([predict(alike(others[i : i + step])) for i in range(0, len(others), step)])
    return Simple(what, scored(guess, torch.from_numpy(known)), guess.numpy())


def rows_fitted(columns: int) -> int:
    """Give the largest number of training samples of so many columns that a simple model is fitted to.

    Parameters
    ----------
    columns
        Number of values of a sample.

    Examples
    --------
    >>> rows_fitted(784), rows_fitted(3 * 224 * 224)
    (10000, 205)
    """
    return min(ROWS, max(FITTED // max(columns, 1), LEAST_ROWS))


def units(inputs: Array) -> tuple[Array, Array]:
    """Give the mean of every column, and its unit: its own spread if columns are few, one of all if they are pixels.

    Parameters
    ----------
    inputs
        Inputs as stored (S, D).

    Examples
    --------
    >>> mean, spread = units(np.array([[0.0, 5.0], [2.0, 5.0]]))
    >>> mean.tolist(), spread.tolist()
    ([1.0, 5.0], [1.0, 1.0])
    """
    x = np.asarray(inputs, np.float64)
    spread = x.std(axis=0) if inputs.dtype.kind == "f" else x.std()
    return x.mean(axis=0), np.where(spread > 0, spread, 1)

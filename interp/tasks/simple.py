"""Simple models, fitted to training samples and scored on others: what a network's own score is shown beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interp.tasks.tasks import find_task
from interp.types import Array

ROWS = 10_000
"""Largest number of training samples that a simple model is fitted to."""

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
    """

    what: str
    score: float


def simple_model(task: str, inputs: Array, answers: Array, others: Array, known: Array, seed: int = 0) -> Simple | None:
    """Fit the simple model of a task to training samples, and score it on others.

    Parameters
    ----------
    task
        Name of the task, for `interp.tasks.find_task`.
    inputs, answers
        Inputs of the training samples as stored (S, D), and their answers (S, ...), of which `ROWS` are drawn.
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
    rows = np.random.default_rng(seed).permutation(len(inputs))[:ROWS]
    mean, spread = units(inputs[rows])

    def alike(values: Array) -> Tensor:
        return torch.from_numpy(((np.asarray(values, np.float64) - mean) / spread).astype(np.float32))

    what, predict, scored = model(alike(inputs[rows]), torch.from_numpy(answers[rows]))
    step = max(VALUES // max(others.shape[1], 1), 1)
    guess = torch.cat([predict(alike(others[i : i + step])) for i in range(0, len(others), step)])
    return Simple(what, scored(guess, torch.from_numpy(known)))


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

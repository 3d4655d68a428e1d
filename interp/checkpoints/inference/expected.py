"""What a network of this size should reach on these data: the scores of stand-ins, models that are quick to fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from interp.tasks import find_task
from interp.types import Array

ROWS = 10_000

LARGE = 1e15
"""Size of an input from which on its squares overflow 32 bits when they are summed over the rows."""


@dataclass(frozen=True)
class Expected:
    """Scores that a network's own score is compared with.

    Attributes
    ----------
    chance
        Score of the best constant answer, which ignores the inputs.
    floor
        Score of the best stand-in, a model that `interp.tasks.Task.stand_ins` fits; at least 0.
    by
        Name of that stand-in.
    """

    chance: float
    floor: float
    by: str

    def skill(self, score: float) -> float:
        """Scale a score so that chance is 0 and perfection is 1."""
        return (score - self.chance) / max(1 - self.chance, 1e-12)


def expected(task: str, inputs: Array, values: Array, width: int | None, seed: int = 0) -> Expected:
    """Measure what stand-ins reach on some of the rows.

    A network that does worse than random features of its own width was not interpreted as it was trained, or not
    trained on these data.

    Parameters
    ----------
    task
        Name of the task, for `interp.tasks.find_task`.
    inputs
        Inputs of some samples as stored, (S, D).
    values
        Labels or targets of these samples, as `interp.tasks.Task.answers` gives them, (S, ...).
    width
        Number of values or channels that the network's last layer reads; None for a network of one layer.
    seed
        Seed of the rows drawn, at most `ROWS`, and of random features.
    """
    rows = np.random.default_rng(seed).permutation(len(inputs))[:ROWS]
    x, y = torch.from_numpy(_alike(inputs[rows])), torch.from_numpy(values[rows])
    asked = find_task(task)
    found = asked.stand_ins(x, y, width, seed)
    by = max(found, key=lambda name: found[name])
    return Expected(asked.chance(values), max(found[by], 0.0), by)


def _alike(inputs: Array) -> Array:
    """Centre every column and bring all to one unit each if they are few, to one for all if they are pixels."""
    x = np.asarray(inputs, np.float32)
    if np.abs(x).max() > LARGE:
        x = x.astype(np.float64)
    x = x - x.mean(axis=0)
    spread = x.std(axis=0) if inputs.dtype.kind == "f" else x.std()
    return np.asarray(x / np.where(spread > 0, spread, 1), np.float32)

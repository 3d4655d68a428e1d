"""What a network of this size should reach on these data, from stand-ins that need no training.

A network that does worse than random features of its own width was not read as it was trained, or not trained on this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from interp.tasks import find_task
from interp.types import Array

ROWS = 10_000


@dataclass(frozen=True)
class Expected:
    """Scores to hold a network's own score against.

    Attributes
    ----------
    chance
        Of the best answer that ignores the inputs.
    floor
        Of the best stand-in, as `interp.tasks.Task.stand_ins` gives them.
    by
        Which one it was.
    """

    chance: float
    floor: float
    by: str

    def skill(self, score: float) -> float:
        """Scale a score so that chance is 0 and perfection 1."""
        return (score - self.chance) / max(1 - self.chance, 1e-12)


def expected(task: str, inputs: Array, values: Array, width: int | None, seed: int = 0) -> Expected:
    """Find what stand-ins reach on some rows.

    Parameters
    ----------
    inputs
        (S, D) as stored.
    values
        Their answers, as `interp.tasks.Task.answers` gives them.
    width
        What the network's last layer reads; None for a network of one layer.
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
    x = x - x.mean(axis=0)
    spread = x.std(axis=0) if inputs.dtype.kind == "f" else x.std()
    return np.asarray(x / np.where(spread > 0, spread, 1), np.float32)

"""What a network of this size should reach on these data, from stand-ins that need no training.

A network that does worse than random features of its own width was not read as it was trained, or not trained on this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interp.tasks.tasks import COUNTED
from interp.types import Array

ROWS = 10_000
WIDEST = 512
SHARE = 0.8  # of what a stand-in explains: a nearly linear task is fitted best by least squares itself


@dataclass(frozen=True)
class Expected:
    """Scores to hold a network's own score against.

    Attributes
    ----------
    chance
        Of the best answer that ignores the inputs.
    floor
        Of the best stand-in; R² times `SHARE`.
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
        Their `interp.tasks.tasks.answers`.
    width
        What the network's last layer reads; None for a network of one layer.
    """
    rows = np.random.default_rng(seed).permutation(len(inputs))[:ROWS]
    x, y = torch.from_numpy(_alike(inputs[rows])), torch.from_numpy(values[rows])
    if task in COUNTED:
        found = {"nearest class means": _right(_nearest_means(x, y), y)}
        if width is not None:
            classes = torch.nn.functional.one_hot(y).double()
            found["random features of its width"] = _right(_fitted(x, classes, width, seed).argmax(1), y)
    elif task == "multi-label":
        guess = _fitted(x, y.double(), width or WIDEST, seed) > 0.5
        found = {"random features of its width": float((guess == (y > 0)).all(1).double().mean())}
    elif task == "regression":
        found = {f"{SHARE:g} of least squares": SHARE * _explained(_least_squares(x.double(), y.double()), y.double())}
    else:
        found = {f"{SHARE:g} of one principal component": SHARE * _first_component_share(x.double(), seed)}
    by = max(found, key=lambda name: found[name])
    return Expected(chance(task, values), max(found[by], 0.0), by)


def chance(task: str, values: Array) -> float:
    """Score the commonest answer, or the mean."""
    if task in COUNTED:
        return float(np.bincount(values).max() / len(values))
    if task == "multi-label":
        return float(np.unique(values, axis=0, return_counts=True)[1].max() / len(values))
    return 0.0


def _alike(inputs: Array) -> Array:
    """Centre every column and bring all to one unit each if they are few, to one for all if they are pixels."""
    x = np.asarray(inputs, np.float32)
    x = x - x.mean(axis=0)
    spread = x.std(axis=0) if inputs.dtype.kind == "f" else x.std()
    return np.asarray(x / np.where(spread > 0, spread, 1), np.float32)


def _nearest_means(x: Tensor, y: Tensor) -> Tensor:
    present = torch.from_numpy(np.unique(y.numpy()))
    means = torch.stack([x[y == label].mean(0) for label in present])
    nearest: Tensor = present[(x @ means.T - (means**2).sum(1) / 2).argmax(1)]
    return nearest


def _right(guess: Tensor, y: Tensor) -> float:
    return float((guess == y).double().mean())


def _fitted(x: Tensor, targets: Tensor, width: int, seed: int) -> Tensor:
    """Fit targets (S, T) by least squares on random ReLU features of x (Schmidt et al. 1992)."""
    generator = torch.Generator().manual_seed(seed)
    wide = min(width, WIDEST)
    weight = torch.randn(x.shape[1], wide, generator=generator) / x.shape[1] ** 0.5
    return _least_squares(torch.relu(x @ weight + torch.randn(wide, generator=generator)).double(), targets)


def _least_squares(x: Tensor, targets: Tensor) -> Tensor:
    """Predict targets (S, T) from x (S, D) linearly, hardly damped."""
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    gram = x.T @ x
    gram += 1e-6 * gram.trace() / len(gram) * torch.eye(len(gram), dtype=x.dtype)
    solved: Tensor = torch.linalg.solve(gram, x.T @ targets)
    return x @ solved


def _explained(guess: Tensor, y: Tensor) -> float:
    """R², the mean over the targets that vary."""
    spread = y.var(0, correction=0)
    share = 1 - ((guess - y) ** 2).mean(0) / spread
    return float(share[spread > 0].mean()) if bool((spread > 0).any()) else 0.0


def _first_component_share(x: Tensor, seed: int) -> float:
    """Share of the variance along the first principal component, by power iteration."""
    direction = torch.randn(x.shape[1], generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    for _ in range(20):
        direction = x.T @ (x @ (direction / direction.norm().clamp_min(1e-300)))
    along = x @ (direction / direction.norm().clamp_min(1e-300))
    return float((along**2).sum() / (x**2).sum().clamp_min(1e-300))

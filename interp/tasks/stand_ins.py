"""Stand-ins: models that need no training, for what a network of a given size should reach at least.

A network that does worse than random features of its own width was not read as it was trained, or not trained on these
data.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

WIDEST = 512
SHARE = 0.8
"""Part of what a linear stand-in explains: a nearly linear task is fitted best by least squares itself."""

FEATURES = "random features of its width"


def of_classes(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give the accuracy of nearest class means, and of a least-squares fit to random features of the network's width.

    Parameters
    ----------
    x
        (S, D) centred inputs.
    y
        (S,) labels.
    width
        What the network's last layer reads; None for a network of one layer.
    """
    found = {"nearest class means": _right(_nearest_means(x, y), y)}
    if width is not None:
        classes = torch.nn.functional.one_hot(y).double()
        found[FEATURES] = _right(_fitted(x, classes, width, seed).argmax(1), y)
    return found


def of_labels(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give the exact-match accuracy of a least-squares fit of labels (S, T) to random features."""
    guess = _fitted(x, y.double(), width or WIDEST, seed) > 0.5
    return {FEATURES: float((guess == (y > 0)).all(1).double().mean())}


def of_values(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give most of the R² of least squares of values (S, T)."""
    return {f"{SHARE:g} of least squares": SHARE * _explained(_least_squares(x.double(), y.double()), y.double())}


def of_inputs(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give most of the variance of the inputs along one principal component."""
    return {f"{SHARE:g} of one principal component": SHARE * _first_component_share(x.double(), seed)}


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

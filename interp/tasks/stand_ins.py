"""Stand-ins: models that need no training, whose score a network of a given size should reach at least.

A network with a lower score than random features of its own width was not interpreted as it was trained, or not
trained on these data.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import solve
from torch import Tensor

WIDEST = 512
"""Largest number of random features."""

SHARE = 0.8
"""Fraction of a linear stand-in's R² that is asked of a network: no network fits a linear task better than it."""

LINEAR = 0.5
"""Fraction of the R² of a linear autoencoder of its narrowest width that is asked of an autoencoder."""

DAMPING = 1e-6
"""Ridge penalty of least squares, as a fraction of the mean sum of squares of a feature."""

FEATURES = "random features of its width"


def of_classes(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give the accuracy of nearest class means, and of a least-squares fit to random features of the network's width.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Labels (S,), from 0.
    width
        Number of nodes in the network's last hidden layer; None for a network of one layer.
    seed
        Seed of the random number generator of the features.

    Returns
    -------
    dict of float
        Name of a stand-in -> its accuracy on the same rows.

    Examples
    --------
    >>> of_classes(torch.tensor([[-2.0], [-1.0], [1.0], [2.0]]), torch.tensor([0, 0, 1, 1]), None, seed=0)
    {'nearest class means': 1.0}
    """
    found = {"nearest class means": _right(_nearest_means(x, y), y)}
    if width is not None:
        classes = torch.nn.functional.one_hot(y).double()
        found[FEATURES] = _right(_fitted(x, classes, width, seed).argmax(1), y)
    return found


def of_labels(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give the exact-match accuracy of a least-squares fit of several labels a sample to random features.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Zeros and ones (S, T).
    width
        Number of nodes in the network's last hidden layer; None for a network of one layer.
    seed
        Seed of the random number generator of the features.

    Returns
    -------
    dict of float
        Name of the stand-in -> its exact-match accuracy on the same rows.
    """
    guess = _fitted(x, y.double(), width or WIDEST, seed) > 0.5
    return {FEATURES: float((guess == (y > 0)).all(1).double().mean())}


def of_values(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give most of the R² of least squares.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Measured values (S, T).
    width, seed
        Arguments of the other stand-ins; not used.

    Returns
    -------
    dict of float
        Name of the stand-in -> `SHARE` of its R² on the same rows.
    """
    return {f"{SHARE:.0%} of least squares' R²": SHARE * explained(_least_squares(x.double(), y.double()), y.double())}


def of_inputs(x: Tensor, y: Tensor, width: int | None, seed: int) -> dict[str, float]:
    """Give most of the variance of the inputs along one principal component, and some of that along as many as nodes.

    A linear autoencoder reaches the latter (Baldi and Hornik 1989); one with functions between, and stopped before its
    end, need not, but is not far below it.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Argument of the other stand-ins; not used.
    width
        Number of nodes of the narrowest layer; None for a network of one layer.
    seed
        Seed of the random number generator of the first directions.

    Returns
    -------
    dict of float
        Name of a stand-in -> `SHARE` of the variance along the component, and `LINEAR` of that of a linear autoencoder.
    """
    x = x.double()
    found = {f"{SHARE:.0%} of one principal component's R²": SHARE * _components_share(x, 1, seed)}
    if width is not None:
        nodes = min(width, x.shape[1])
        found[f"{LINEAR:g} of a linear autoencoder of {nodes} nodes"] = LINEAR * _components_share(x, nodes, seed)
    return found


def _nearest_means(x: Tensor, y: Tensor) -> Tensor:
    """Predict the class with the nearest mean."""
    present = torch.from_numpy(np.unique(y.numpy()))
    means = torch.stack([x[y == label].mean(0) for label in present])
    nearest: Tensor = present[_squared_distances(x.double(), means.double()).argmin(1)]
    return nearest


def _squared_distances(x: Tensor, means: Tensor) -> Tensor:
    """Give the squared distance of each row (S, D) from each mean (K, D), but for the row's own length, (S, K)."""
    return (means**2).sum(1) - x @ (2 * means).T


def _right(guess: Tensor, y: Tensor) -> float:
    return float((guess == y).double().mean())


def _fitted(x: Tensor, targets: Tensor, width: int, seed: int) -> Tensor:
    """Fit targets (S, T) by least squares on random ReLU features of x (Schmidt et al. 1992)."""
    generator = torch.Generator().manual_seed(seed)
    wide = min(width, WIDEST)
    weight = torch.randn(x.shape[1], wide, generator=generator) / x.shape[1] ** 0.5
    return _least_squares(torch.relu(x @ weight + torch.randn(wide, generator=generator)).double(), targets)


def _least_squares(x: Tensor, targets: Tensor) -> Tensor:
    """Predict targets (S, T) from x (S, D) by least squares, with a tiny ridge penalty against collinear columns.

    The normal equations are solved by Cholesky's method, as scikit-learn's `Ridge` does, which takes long to import.
    """
    features = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1).numpy()
    penalty = DAMPING * float(np.square(features).sum()) / features.shape[1]
    products = features.T @ features
    products.flat[:: len(products) + 1] += penalty
    weight = solve(products, features.T @ targets.numpy(), assume_a="pos")
    return torch.from_numpy(features @ weight)


def explained(guess: Tensor, y: Tensor) -> float:
    """Give R², the mean over the targets that vary.

    Parameters
    ----------
    guess, y
        Predicted and measured values (S, T).

    Examples
    --------
    >>> explained(torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [2.0]]))
    0.0
    """
    spread = y.var(0, correction=0)
    share = 1 - ((guess - y) ** 2).mean(0) / spread
    return float(share[spread > 0].mean()) if bool((spread > 0).any()) else 0.0


def _components_share(x: Tensor, count: int, seed: int) -> float:
    """Give the share of the variance along the first principal components, by subspace iteration (20 steps for one)."""
    directions = torch.randn(x.shape[1], count, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    for _ in range(20 if count == 1 else 5):
        directions = torch.linalg.qr(x.T @ (x @ directions))[0]
    return float(((x @ directions) ** 2).sum() / (x**2).sum().clamp_min(1e-300))

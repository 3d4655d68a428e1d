"""Simple models of each task: the nearest class mean, and least squares."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from interp.tasks.stand_ins import DAMPING, explained

Fitted = tuple[str, Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], float]]
"""Plain words for a model, its function of inputs (B, D) that predicts, and one of predictions and truth: the score."""


def nearest_mean(x: Tensor, y: Tensor) -> Fitted:
    """Fit the mean of each class; an input's class is that of the nearest mean.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Labels (S,), from 0.

    Examples
    --------
    >>> what, predict, scored = nearest_mean(torch.tensor([[0.0], [4.0]]), torch.tensor([0, 1]))
    >>> predict(torch.tensor([[1.0], [3.0]])).tolist()
    [0, 1]
    """
    present = torch.unique(y)
    means = torch.stack([x[y == label].mean(0) for label in present])

    def predict(values: Tensor) -> Tensor:
        nearest: Tensor = present[torch.cdist(values, means).argmin(1)]
        return nearest

    return "it names the class whose mean training sample is nearest", predict, _all_right


def label_by_label(x: Tensor, y: Tensor) -> Fitted:
    """Fit every label by least squares.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Zeros and ones (S, T).
    """
    predict = _least_squares(x, y.double())
    return (
        "every label fitted to training samples by least squares",
        lambda values: (predict(values) > 0.5).to(y.dtype),
        _all_right,
    )


def least_squares(x: Tensor, y: Tensor) -> Fitted:
    """Fit measured values by least squares.

    Parameters
    ----------
    x
        Centred inputs (S, D).
    y
        Measured values (S, T).

    Examples
    --------
    >>> what, predict, scored = least_squares(torch.tensor([[-1.0], [0.0], [1.0]]), torch.tensor([[1.0], [3.0], [5.0]]))
    >>> round(predict(torch.tensor([[2.0]])).item(), 3)
    7.0
    """
    return "least squares, a weighted sum of the inputs", _least_squares(x, y.double()), explained


def _least_squares(x: Tensor, targets: Tensor) -> Callable[[Tensor], Tensor]:
    """Fit targets (S, T) to x (S, D), with a tiny ridge penalty against collinear columns."""
    from sklearn.linear_model import Ridge

    penalty = DAMPING * float(x.double().square().sum()) / max(x.shape[1], 1)
    own = x.to(torch.float64, copy=True).numpy()  # which is centred in place
    model = Ridge(penalty, solver="cholesky", copy_X=False).fit(own, targets.numpy())

    def predict(values: Tensor) -> Tensor:
        guess = torch.from_numpy(model.predict(values.double().numpy()))
        return guess.reshape(len(values), targets.shape[1])  # scikit-learn drops an axis of one target

    return predict


def _all_right(guess: Tensor, known: Tensor) -> float:
    """Give the share of samples with every answer right."""
    return float((guess == known).reshape(len(known), -1).all(1).double().mean())

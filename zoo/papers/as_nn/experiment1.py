"""Experiment 1 of as-NN (tables 2 and 3): single nodes that learn a Mahalanobis distance.

A node z = W x + b with ReLU or Abs is fitted to the distance of 1,024 points from the mean of
N([3, 2], [[2, -1], [-1, 1]]); all models of a condition train as one (models x 2) problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interp.types import Array
from zoo.training import bias_through, box_points

MEAN, COVARIANCE = (3.0, 2.0), ((2.0, -1.0), (-1.0, 1.0))
POINTS, MODELS, EPOCHS = 1_024, 300, 200
LR, MOMENTUM = 0.001, 0.9
BOX = 8.0  # table 2's boundaries start through a point of [-8, 8]^2
COHERENT, DEAD = 1.0, 1.7  # |W mu + b| in sigma, and final mean squared error
SEED = 20_241_101


@dataclass(frozen=True)
class Nodes:
    """Trained single nodes of one condition.

    Attributes
    ----------
    weight
        Weights, (M, 2) float32.
    bias
        Biases, (M,) float32.
    losses
        Mean squared error before each step, (epochs, M).
    error
        Mean squared error after the last step, (M,).
    """

    weight: Tensor
    bias: Tensor
    losses: Tensor
    error: Tensor


def points(seed: int = SEED) -> tuple[Tensor, Tensor]:
    """Draw 1,024 points from the Gaussian of the experiment.

    Parameters
    ----------
    seed
        Seed of the random number generator.

    Returns
    -------
    Tensor, Tensor
        Points (1024, 2), and their Mahalanobis distances from the mean (1024,), in sigma.

    Examples
    --------
    >>> x, distance = points()
    >>> x.shape, bool((distance > 0).all())
    (torch.Size([1024, 2]), True)
    """
    generator = torch.Generator().manual_seed(seed)
    covariance = torch.tensor(COVARIANCE)
    whitened = torch.randn(POINTS, 2, generator=generator)
    x = whitened @ torch.linalg.cholesky(covariance).T + torch.tensor(MEAN)
    return x, whitened.norm(dim=1)


def initial(seeds: Sequence[int], x: Tensor, activation: str, sampled: bool) -> tuple[Tensor, Tensor]:
    """Draw the initial nodes of some seeds, each from a generator of its own.

    Parameters
    ----------
    seeds
        Seeds of the nodes, M.
    x
        Points, (S, 2).
    activation
        Activation of the nodes, ``relu`` or ``abs``; ReLU nodes whose output is zero on every point are drawn again.
    sampled
        Whether the boundary passes through one of the points (table 3); else through a point of the box (table 2).

    Returns
    -------
    Tensor, Tensor
        Weights (M, 2) and biases (M,).
    """
    starts = [_one_start(seed, x, activation, sampled) for seed in seeds]
    return torch.stack([weight for weight, _ in starts]), torch.stack([bias for _, bias in starts])


def _one_start(seed: int, x: Tensor, activation: str, sampled: bool) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        weight = torch.empty(1, 2)
        torch.nn.init.xavier_uniform_(weight, generator=generator)
        row = int(torch.randint(len(x), (), generator=generator))
        point = x[row] if sampled else box_points(1, BOX, 2, generator)[0]
        bias = bias_through(weight, point)[0]
        if activation == "abs" or bool((x @ weight[0] + bias > 0).any()):
            return weight[0], bias


def fit(weight: Tensor, bias: Tensor, x: Tensor, target: Tensor, activation: str, epochs: int = EPOCHS) -> Nodes:
    """Train all nodes at once by full-batch gradient descent with momentum.

    With f the activation and f' its slope, the gradient over (x, 1) is the mean of
    2 (f(z) - target) f'(z) (x, 1): two thin matrix products an epoch.

    Parameters
    ----------
    weight, bias
        Initial weights (M, 2) and biases (M,).
    x
        Points, (S, 2).
    target
        Mahalanobis distances to be learned, (S,).
    activation
        Activation of the nodes, ``relu`` or ``abs``.
    epochs
        Number of epochs; 200 as published.

    Returns
    -------
    Nodes
        Trained nodes.

    Examples
    --------
    >>> x, target = points()
    >>> weight, bias = initial([0, 1], x, "abs", sampled=True)
    >>> nodes = fit(weight, bias, x, target, "abs", epochs=20)
    >>> bool((nodes.error < nodes.losses[0]).all())
    True
    """
    lifted = torch.cat([x, torch.ones(len(x), 1)], dim=1)  # (S, 3): the bias as a third weight
    params = torch.cat([weight, bias.unsqueeze(1)], dim=1)
    velocity = torch.zeros_like(params)
    losses = torch.empty(epochs, len(params))
    for epoch in range(epochs):
        residual, slope = _residual(params, lifted, target, activation)
        losses[epoch] = residual.square().mean(dim=1)
        velocity.addmm_(residual.mul_(slope), lifted, beta=MOMENTUM, alpha=2 / len(x))
        params.add_(velocity, alpha=-LR)
    residual, _ = _residual(params, lifted, target, activation)
    return Nodes(params[:, :2].clone(), params[:, 2].clone(), losses, residual.square().mean(dim=1))


def _residual(params: Tensor, lifted: Tensor, target: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    z = params @ lifted.T  # (M, S)
    slope = z.sign() if activation == "abs" else (z > 0).float()
    return z.mul_(slope).sub_(target), slope  # |z| = z sign(z), relu(z) = z [z > 0]


def kinds(nodes: Nodes, activation: str) -> Array:
    """Name each node coherent, adhoc or dead by the published rules.

    The published counts hold if only ReLU nodes can be dead: an Abs node with an error above 1.7 is
    counted by its distance.

    Parameters
    ----------
    nodes
        M trained nodes.
    activation
        Activation of the nodes, ``relu`` or ``abs``.

    Returns
    -------
    Array
        Kind of each node's boundary, (M,).
    """
    distance = (nodes.weight @ torch.tensor(MEAN) + nodes.bias).abs().numpy()
    found = np.where(distance <= COHERENT, "coherent", "adhoc")
    if activation == "relu":
        found[nodes.error.numpy() > DEAD] = "dead"
    return found


def train_condition(activation: str, sampled: bool, models: int = MODELS, epochs: int = EPOCHS) -> Nodes:
    """Draw the data, then start and train the nodes of one condition of tables 2 and 3.

    Parameters
    ----------
    activation
        Activation of the nodes, ``relu`` or ``abs``.
    sampled
        Whether boundaries pass through one of the points at first (table 3); else through a point of a box (table 2).
    models
        Number of nodes; 300 as published.
    epochs
        Number of epochs; 200 as published.

    Returns
    -------
    Nodes
        Trained nodes.

    Examples
    --------
    >>> nodes = train_condition("abs", sampled=True, models=3, epochs=5)
    >>> nodes.weight.shape, nodes.losses.shape
    (torch.Size([3, 2]), torch.Size([5, 3]))
    """
    x, target = points()
    weight, bias = initial(range(models), x, activation, sampled)
    return fit(weight, bias, x, target, activation, epochs)

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
from zoo.training.initialise import bias_through, box_points

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
    weight, bias
        (M, 2) and (M,) float32.
    losses
        (epochs, M) mean squared error before each step.
    error
        (M,) mean squared error after the last one.
    """

    weight: Tensor
    bias: Tensor
    losses: Tensor
    error: Tensor


def points(seed: int = SEED) -> tuple[Tensor, Tensor]:
    """Draw the data: (1024, 2) points and their true distances (1024,), in sigma."""
    generator = torch.Generator().manual_seed(seed)
    covariance = torch.tensor(COVARIANCE)
    whitened = torch.randn(POINTS, 2, generator=generator)
    x = whitened @ torch.linalg.cholesky(covariance).T + torch.tensor(MEAN)
    return x, whitened.norm(dim=1)


def initial(seeds: Sequence[int], x: Tensor, activation: str, sampled: bool) -> tuple[Tensor, Tensor]:
    """Draw the starts of some seeds, each from a generator of its own.

    Parameters
    ----------
    seeds
        One a model.
    x
        (S, 2) data.
    activation
        ``relu`` models whose output is zero on every point are drawn again.
    sampled
        Put the boundary through a data point (table 3), else through a point of the box (table 2).

    Returns
    -------
    Tensor, Tensor
        (M, 2) weights and (M,) biases.
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
        (M, 2) and (M,) starts.
    x, target
        (S, 2) and (S,).
    activation
        ``abs`` or ``relu``.
    epochs
        200 as published.
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
    """Name each node coherent, adhoc or dead by the published rules, (M,).

    The published counts hold if only ReLU nodes can be dead: an Abs node with an error above 1.7 is
    counted by its distance.
    """
    distance = (nodes.weight @ torch.tensor(MEAN) + nodes.bias).abs().numpy()
    found = np.where(distance <= COHERENT, "coherent", "adhoc")
    if activation == "relu":
        found[nodes.error.numpy() > DEAD] = "dead"
    return found


def train_condition(activation: str, sampled: bool, models: int = MODELS, epochs: int = EPOCHS) -> Nodes:
    """Draw the data, start and train one condition of tables 2 and 3."""
    x, target = points()
    weight, bias = initial(range(models), x, activation, sampled)
    return fit(weight, bias, x, target, activation, epochs)

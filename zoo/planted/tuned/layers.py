"""Layers whose every node belongs to one class and is small or large on it: what networks are planted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Sense = Literal["low", "high"]
"""Which state of a node says that a sample belongs to its class: a small output or a large one."""

TRUTHS: dict[Sense, Literal["distances", "intensities"]] = {"low": "distances", "high": "intensities"}


@dataclass(frozen=True)
class Tuned:
    """A layer of nodes that each belong to a class.

    Attributes
    ----------
    steps
        Modules from the layer's inputs to its outputs (S, N): the map, the activation, and for a convolution the pool.
    owner
        Class of each node, (N,).
    sense
        State of a node that says that a sample belongs to the class.
    """

    steps: tuple[nn.Module, ...]
    owner: Tensor
    sense: Sense

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Tensor:
        """Run the layer."""
        for step in self.steps:
            inputs = step(inputs)
        return inputs


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """Make a linear map with given weights (N, D) and biases (N,)."""
    made = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        made.weight.copy_(weight)
        made.bias.copy_(bias)
    return made


def own_sums(owner: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    """Draw positive weights that add each class's own nodes up, (K, N), each row's mean 1 over them."""
    own = (owner[None] == torch.arange(classes)[:, None]).float()
    drawn = own * (0.5 + torch.rand(own.shape, generator=generator))
    return drawn / drawn.sum(1, keepdim=True).clamp(min=1e-6)


READ_OUT_STEPS, READ_OUT_RATE = 150, 0.05


def read_out(layer: Tuned, outputs: Tensor, labels: Tensor, classes: int, generator: torch.Generator) -> nn.Linear:
    """Make the read-out that a tuned layer stands for: own nodes small, or own nodes large, and nothing else.

    How much each own node counts, and each class's bias, are fitted with cross-entropy and Adam (Kingma and Ba 2015);
    which nodes count, and with which sign, is fixed.

    Parameters
    ----------
    layer
        The last hidden layer.
    outputs
        Outputs of the layer on the training samples, (S, N).
    labels
        Classes of these samples, (S,).
    classes
        Number of classes, K.
    generator
        Random number generator of the sizes that the fit starts from.
    """
    sign = -1.0 if layer.sense == "low" else 1.0
    start = own_sums(layer.owner, classes, generator)
    spread = outputs.std(0).clamp(min=1e-6)
    size = torch.zeros_like(start, requires_grad=True)  # logarithm of a factor
    bias = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.Adam([size, bias], READ_OUT_RATE)
    for _ in range(READ_OUT_STEPS):
        logits = outputs / spread @ (sign * start * size.exp()).T + bias
        size.grad, bias.grad = torch.autograd.grad(nn.functional.cross_entropy(logits, labels), [size, bias])
        optimiser.step()
    return linear(any_gauge((sign * start * size.exp() / spread).detach(), generator), bias.detach())


def any_gauge(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Add a random constant to each node's weights for all classes, (K, N): no prediction and no margin changes.

    Softmax and argmax do not see it, so the sign of a single weight says nothing, and must not help a verdict. The
    constants' standard deviation is half of the weights' root mean square in a network without them, each node's own.
    """
    own = weight.square().sum(0, keepdim=True).sqrt()
    return weight + 0.5 * own * torch.randn(1, weight.shape[1], generator=generator)

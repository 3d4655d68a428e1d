"""Further tuned layers: each node gathers the evidence for one class from the layer below it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.layers import Abs
from zoo.planted.tuned.geometry import owners
from zoo.planted.tuned.layers import Sense, Tuned, linear


def gather(
    below: Tuned, outputs: Tensor, labels: Tensor, sense: Sense, width: int, classes: int, generator: torch.Generator
) -> Tuned:
    """Plant nodes that add up the own class's nodes of the layer below, and are small or large on the class.

    Parameters
    ----------
    below
        Layer below.
    outputs
        Outputs of the layer below on the training samples, (S, N).
    labels
        Classes of these samples, (S,).
    sense
        State of the new nodes that says that a sample belongs to the class.
    width
        Number of new nodes.
    classes
        Number of classes, K.
    generator
        Random number generator.
    """
    owner = owners(width, classes)
    weight = _own_weights(below, owner, outputs, generator)
    evidence = outputs @ weight.T
    own, others, spread = _levels(evidence, labels, owner, classes)
    if sense == "high":
        threshold = own - (own - others).clamp(min=0.5) * (0.75 + 0.5 * torch.rand(width, generator=generator))
        scale = (own - threshold)[:, None]
        return Tuned((linear(weight / scale, -threshold / scale[:, 0]), nn.ReLU()), owner, sense)
    activation = Abs() if bool(torch.rand((), generator=generator) < 0.5) else nn.ReLU()
    scale = spread[:, None]
    return Tuned((linear(-weight / scale, own / spread), activation), owner, sense)


def _own_weights(below: Tuned, owner: Tensor, outputs: Tensor, generator: torch.Generator) -> Tensor:
    """Draw weights on the own nodes of the layer below, positive where large outputs are evidence, (N, N below)."""
    own = (owner[:, None] == below.owner[None]).float()
    drawn = own * (0.5 + torch.rand(own.shape, generator=generator)) / outputs.std()
    sign = 1.0 if below.sense == "high" else -1.0
    return sign * drawn / own.sum(1, keepdim=True).clamp(min=1)


def _levels(evidence: Tensor, labels: Tensor, owner: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Average the evidence over a node's own class and over the next class, with the own class's spread, each (N,)."""
    means = torch.stack([evidence[labels == c].mean(0) for c in range(classes)])  # (K, N)
    own = means.gather(0, owner[None])[0]
    others = means.scatter(0, owner[None], -torch.inf).amax(0)
    spread = torch.stack([evidence[labels == c, i].std() for i, c in enumerate(owner.tolist())])
    return own, others, spread.clamp(min=1e-3)

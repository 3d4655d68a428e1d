"""Training that is short, and that can make a layer read one end of its nodes' ranges by taking the other away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from zoo.planted.data.samples import Labelled
from zoo.planted.tuned.layers import Sense

STEPS, RATE, BATCH = 250, 0.01, 250
TAKEN = (0.5, 0.9)
"""Smallest and largest share of a node's outputs that clamp noise makes equal."""
SEEN = 200
"""Number of values that a node's quantiles are estimated from."""


class ClampNoise(nn.Module):
    """Take one end of every node's range away, up to a quantile that is drawn anew at each step.

    Parameters
    ----------
    sense
        The end that is kept: ``low`` clamps each node from above at a quantile between 0.1 and 0.5, ``high`` from
        below at one between 0.5 and 0.9.
    generator
        Random number generator of the quantiles.
    """

    def __init__(self, sense: Sense, generator: torch.Generator) -> None:
        super().__init__()
        self.sense, self.generator = sense, generator

    def forward(self, outputs: Tensor) -> Tensor:
        """Clamp (S, N, ...); quantiles are over samples and positions."""
        by_node = outputs.detach().transpose(0, 1).flatten(1)  # (N, S)
        by_node = by_node[:, torch.randint(by_node.shape[1], (SEEN,), generator=self.generator)]
        share = TAKEN[0] + (TAKEN[1] - TAKEN[0]) * torch.rand(len(by_node), generator=self.generator)
        place = (share if self.sense == "high" else 1 - share) * (by_node.shape[1] - 1)
        bound = by_node.sort(1).values.gather(1, place.long()[:, None])
        bound = bound.view(1, -1, *[1] * (outputs.dim() - 2))
        return outputs.clamp(min=bound) if self.sense == "high" else outputs.clamp(max=bound)


def train(
    network: nn.Sequential,
    data: Labelled,
    noise: Mapping[str, Sense] = {},
    frozen: Sequence[str] = (),
    seed: int = 0,
    steps: int = STEPS,
) -> nn.Sequential:
    """Train a network in place with Adam (Kingma and Ba 2015) and cross-entropy.

    Parameters
    ----------
    network
        Chain of named layers.
    data
        Inputs and classes.
    noise
        Name of an activation -> the end of its range that clamp noise leaves.
    frozen
        Names of layers that stay as they are.
    seed
        Seed of the random number generator that draws batches and clamp noise.
    steps
        Number of steps.
    """
    generator = torch.Generator().manual_seed(seed)
    noisy = nn.Sequential()
    for name, step in network.named_children():
        noisy.append(step)
        if name in noise:
            noisy.append(ClampNoise(noise[name], generator))
    learned = [p for name, p in network.named_parameters() if name.split(".")[0] not in frozen]
    network.requires_grad_(True).train()
    optimiser = torch.optim.Adam(learned, RATE)
    for _ in range(steps):
        some = torch.randint(len(data[1]), (min(BATCH, len(data[1])),), generator=generator)
        loss = nn.functional.cross_entropy(noisy(data[0][some]), data[1][some])
        for parameter, slope in zip(learned, torch.autograd.grad(loss, learned), strict=True):
            parameter.grad = slope
        optimiser.step()
    return network.eval().requires_grad_(False)

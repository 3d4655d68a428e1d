"""A network with what is known of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn

from zoo.planted.data.samples import Labelled, PlantedData

Truth = Literal["distances", "intensities", "both", "neither", "unknown"]
"""What of a layer the following layers read; ``unknown`` where something was learned and nobody knows what."""


@dataclass(frozen=True)
class Planted:
    """A network whose truth is known.

    Attributes
    ----------
    family
        Name of the generator.
    network
        Named layers ``hidden1``, ``activation1``, …, ``output`` in eval mode.
    data
        Samples that the network was built on, and fresh ones.
    truth
        Hidden layer -> what is read of it.
    seed
        Seed of everything that was drawn.
    setup
        Drawn numbers by name: width, depth and so on.
    """

    family: str
    network: nn.Sequential
    data: PlantedData
    truth: Mapping[str, Truth]
    seed: int
    setup: Mapping[str, float | str] = field(default_factory=dict)


def chain(hidden: Sequence[tuple[nn.Module, ...]], output: nn.Module) -> nn.Sequential:
    """Name the steps of a network: each hidden layer a map, then what follows it up to and with its activation or pool.

    Examples
    --------
    >>> list(dict(chain([(nn.Linear(4, 3), nn.ReLU())], nn.Linear(3, 2)).named_children()))
    ['hidden1', 'activation1', 'output']
    """
    steps: list[tuple[str, nn.Module]] = []
    for index, (linear, *after) in enumerate(hidden, 1):
        steps.append((f"hidden{index}", linear))
        steps += [(f"{STEP_NAMES.get(type(step), 'activation')}{index}", step) for step in after]
    return nn.Sequential(OrderedDict([*steps, ("output", output)])).eval().requires_grad_(False)


STEP_NAMES: dict[type[nn.Module], str] = {
    nn.BatchNorm1d: "norm",
    nn.BatchNorm2d: "norm",
    nn.AdaptiveAvgPool2d: "pool",
    nn.Flatten: "flatten",
}


def hidden_names(network: nn.Sequential) -> list[str]:
    """List the hidden layers' names in their order."""
    return [name for name, _ in network.named_children() if name.startswith("hidden")]


def ends(network: nn.Sequential) -> dict[str, int]:
    """Give for each hidden layer the number of steps up to and with its activation.

    Examples
    --------
    >>> ends(chain([(nn.Linear(4, 3), nn.ReLU()), (nn.Linear(3, 3), nn.ReLU())], nn.Linear(3, 2)))
    {'hidden1': 2, 'hidden2': 4}
    """
    names = [name for name, _ in network.named_children()]
    return {hidden: names.index(hidden.replace("hidden", "activation")) + 1 for hidden in hidden_names(network)}


@torch.no_grad()
def accuracy(network: nn.Module, part: Labelled) -> float:
    """Measure the share of samples that a network classifies correctly."""
    inputs, labels = part
    return float((network(inputs).argmax(1) == labels).float().mean())

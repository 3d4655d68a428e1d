"""How large a planted network is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from zoo.planted.data.samples import PlantedData
from zoo.planted.planted import Truth


@dataclass(frozen=True)
class Sizes:
    """Size of a network.

    Attributes
    ----------
    widths
        Number of nodes of each hidden layer, the first one first.
    activation
        Name of the activation where the family leaves it open, one of `zoo.architectures.ACTIVATIONS`.
    """

    widths: tuple[int, ...] = (48,)
    activation: str = "relu"


Built = tuple[nn.Sequential, Mapping[str, Truth]]
Build = Callable[[PlantedData, Sizes, torch.Generator], Built]
"""Data, sizes and the random number generator -> a network, and hidden layer -> truth."""

"""Networks as they are before anything was learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.architectures import ACTIVATIONS
from zoo.planted.data.samples import PlantedData
from zoo.planted.data.tiles import ACROSS, SIDE
from zoo.planted.planted import chain
from zoo.planted.sizes import Sizes
from zoo.training.initialise import pytorch_default

PARTS = 3
"""Rows and columns of averages that an image without tiles is pooled to."""


def plain(data: PlantedData, sizes: Sizes, generator: torch.Generator, norm: bool = False) -> nn.Sequential:
    """Make a network at torch's default initialisation; on images its first layer is a convolution.

    Parameters
    ----------
    data
        Data set with the inputs' shape and the number of classes.
    sizes
        Widths and activation.
    generator
        Random number generator of the weights.
    norm
        Whether each hidden layer is followed by a batch norm.
    """
    inputs = data.train[0]
    make = ACTIVATIONS[sizes.activation]
    hidden: list[tuple[nn.Module, ...]] = []
    before = inputs[0].numel()
    for index, width in enumerate(sizes.widths):
        if inputs.dim() == 4 and index == 0:
            hidden.append((*conv_steps(inputs, width, norm), make(), *pool_steps(inputs)))
            before = width * (1 if _tiled(inputs) else PARTS**2)
        else:
            hidden.append((nn.Linear(before, width), *([nn.BatchNorm1d(width)] if norm else []), make()))
            before = width
    network = chain(hidden, nn.Linear(before, data.classes))
    pytorch_default(network, generator, inputs)
    return network


def conv_steps(inputs: Tensor, width: int, norm: bool = False) -> list[nn.Module]:
    """Make a convolution that sees tiles one by one, or overlapping 3 x 3 patches of other images."""
    made = nn.Conv2d(1, width, SIDE, stride=SIDE) if _tiled(inputs) else nn.Conv2d(1, width, 3)
    return [made, *([nn.BatchNorm2d(width)] if norm else [])]


def pool_steps(inputs: Tensor) -> list[nn.Module]:
    """Average over all tiles; of other images over each of 3 x 3 parts."""
    return [nn.AdaptiveAvgPool2d(1 if _tiled(inputs) else PARTS), nn.Flatten()]


def _tiled(inputs: Tensor) -> bool:
    return inputs.shape[-1] == SIDE * ACROSS

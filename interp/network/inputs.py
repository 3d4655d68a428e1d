"""Stored inputs as the tensors that a network takes."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from interp.network.branches import Dag
from interp.network.chain import Chain
from interp.types import Array, LoadedModel, Scaling

BLOCK = 1024
"""Rows a block: small enough that a layer's values stay in the processor's cache."""

IMAGE_BLOCK = 128
"""Rows a block where samples are images, whose feature maps are many times larger."""


MOST_INPUTS = 2**22
"""Numbers in a block of inputs: 16 MB, so that wide samples come in fewer rows."""


class Runnable(Protocol):
    """A network with what is done to stored inputs before it runs: a `LoadedModel`, or one that is being made."""

    @property
    def module(self) -> nn.Module:
        """Module that takes scaled inputs."""

    @property
    def scaling(self) -> Scaling:
        """Scaling of stored inputs."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample as the module takes it."""


def rows_a_block(model: Runnable, threads: int = 1) -> int:
    """Give how many rows to run at once where `threads` of them share the work."""
    return max(1, min(BLOCK * threads, MOST_INPUTS // math.prod(model.input_shape)))


def channels_last(module: nn.Module) -> nn.Module:
    """Copy one of our own networks with its convolutions laid out so that they run several times faster.

    What it computes is the same to rounding. Without convolutions, and of a module of the user's own, which
    may not be copied, the module itself is given.
    """
    ours = isinstance(module, (Chain, Dag)) and any(isinstance(part, nn.Conv2d) for part in module.modules())
    return copy.deepcopy(module).to(memory_format=torch.channels_last) if ours else module


def as_tensor(inputs: Array, scaling: Scaling, shape: tuple[int, ...]) -> Tensor:
    """Scale stored rows (S, D) and shape them as the module takes them, (S, *shape) float32."""
    return torch.from_numpy(np.ascontiguousarray(scaling(inputs))).reshape(len(inputs), *shape)


def input_blocks(model: Runnable, inputs: Array, size: int | None = None) -> Iterator[tuple[slice, Tensor]]:
    """Yield (rows, scaled inputs on the model's device) in order, `rows_a_block` at a time unless told."""
    device, size = device_of(model.module), size or rows_a_block(model)
    for start in range(0, len(inputs), size):
        rows = slice(start, min(start + size, len(inputs)))
        yield rows, as_tensor(inputs[rows], model.scaling, model.input_shape).to(device)


def shown_blocks(model: LoadedModel, inputs: Array, note: str) -> Iterator[tuple[slice, Tensor]]:
    """Yield the same under a progress bar."""
    count = -(-len(inputs) // rows_a_block(model))
    yield from tqdm(input_blocks(model, inputs), total=count, desc=note, disable=None)


@torch.no_grad()
def outputs_on(model: Runnable, inputs: Array) -> Tensor:
    """Run the network on stored inputs, (S, C) on the CPU."""
    return torch.cat([model.module(x).cpu() for _, x in input_blocks(model, inputs)])


def device_of(module: nn.Module) -> torch.device:
    """Give the device of a module's parameters; the CPU if it has none."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


IMAGE_SIDES = (28, 32, 8, 64, 96, 224)
"""Sides of square images that are tried where there are no data."""

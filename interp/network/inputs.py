"""Stored inputs as the tensors that a network takes."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from interp.errors import DataError, first_line
from interp.network.branches import Dag
from interp.network.chain import Chain
from interp.types import Array, Dataset, LoadedModel, Scaling

BLOCK = 1024
"""Rows a block: small enough that a layer's values stay in the processor's cache."""

IMAGE_BLOCK = 128
"""Rows a block where samples are images, whose feature maps are many times larger."""


MOST_INPUTS = 2**22
"""Numbers in a block of inputs: 16 MB, so that wide samples come in fewer rows."""


def rows_a_block(model: LoadedModel, threads: int = 1) -> int:
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


def input_blocks(model: LoadedModel, inputs: Array, size: int | None = None) -> Iterator[tuple[slice, Tensor]]:
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
def outputs_on(model: LoadedModel, inputs: Array) -> Tensor:
    """Run the network on stored inputs, (S, C) on the CPU."""
    return torch.cat([model.module(x).cpu() for _, x in input_blocks(model, inputs)])


def device_of(module: nn.Module) -> torch.device:
    """Give the device of a module's parameters; the CPU if it has none."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


IMAGE_SIDES = (28, 32, 8, 64, 96, 224)
"""Sides of square images that are tried where there are no data."""


@torch.no_grad()
def usual_shape(module: nn.Module) -> tuple[int, ...] | None:
    """Find the shape of one sample that a module takes without data to try: a row, or a square image.

    The first matrix or convolution says how many values or channels; None if no such shape runs.
    """
    weight = next((p for p in module.parameters() if p.dim() in (2, 4)), None)
    if weight is None:
        return None
    channels = weight.shape[1]
    shapes: list[tuple[int, ...]] = [(channels,), *((channels, side, side) for side in IMAGE_SIDES)]
    for shape in shapes[:1] if weight.dim() == 2 else shapes[1:]:
        try:
            module(torch.zeros(2, *shape, device=device_of(module)))
        except Exception:  # any module may fail in its own way
            continue
        return shape
    return None


@torch.no_grad()
def fitting_shape(module: nn.Module, data: Dataset, scaling: Scaling, where: str) -> tuple[int, ...]:
    """Find whether a module takes flat rows or images, by running it on two samples.

    Raises
    ------
    DataError
        If it takes neither.
    """
    shapes: list[tuple[int, ...]] = [(data.width,)]
    if data.image_shape is not None:
        shapes += [data.image_shape]
        if data.image_shape[0] == 1:
            shapes += [data.image_shape[1:]]
    problems = []
    for shape in shapes:
        try:
            module(as_tensor(data.train.inputs[:2], scaling, shape).to(device_of(module)))
        except Exception as error:  # any module may fail in its own way
            problems.append(f"{shape}: {first_line(error, 120)}")
        else:
            return shape
    raise DataError(
        where,
        found=f"a module that refuses {data.name} as {'; as '.join(problems)}",
        expected="one that takes (batch, features) or (batch, channels, height, width)",
        do="wrap it with --model, or give its own data",
    )

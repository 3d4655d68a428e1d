"""Stored inputs -> the tensors that a network takes, in blocks."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from interp.network.branches import Dag
from interp.network.chain import Chain
from interp.network.quick.joined import joined
from interp.network.quick.parts import make_quick
from interp.network.tracing.offloaded import running_device
from interp.streams import RowsOnDisk, ahead
from interp.types import Array, Scaling

BLOCK = 1024
"""Number of rows of a block: small enough that a layer's values stay in the processor's cache."""

IMAGE_BLOCK = 128
"""Number of rows of a block where samples are images, whose feature maps are many times larger."""

FEWEST_IMAGES, FIRST_MAPS = 32, 2**22
"""Least number of rows of a block of images, and values of the first convolution's maps, 16 MB, that lead to fewer.

Blocks whose maps would lie in the processor's cache are so small that what each call takes before it computes counts.
"""

SMALL = 2**20
"""Number of weights, 4 MB, up to which the number of rows follows the maps: larger ones are read again too often."""

MOST_INPUTS = 2**22
"""Largest number of values in a block of inputs, 16 MB: blocks of wide samples have fewer rows."""


class Runnable(Protocol):
    """A network with the scaling of its stored inputs: a `LoadedModel`, or the draft of one."""

    @property
    def module(self) -> nn.Module:
        """Module that takes scaled inputs."""

    @property
    def scaling(self) -> Scaling:
        """Scaling of stored inputs."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample as the module takes it, without the batch axis."""


def rows_a_block(model: Runnable, threads: int = 1) -> int:
    """Give the number of rows to run at once.

    Parameters
    ----------
    model
        Network, whose samples may be wide.
    threads
        Number of threads that share the work.

    Examples
    --------
    >>> from interp.checkpoints import load_module
    >>> rows_a_block(load_module(nn.Sequential(nn.Linear(64, 10)))[0])
    1024
    """
    return max(1, min(BLOCK * threads, MOST_INPUTS // math.prod(model.input_shape)))


def block_of(model: Runnable) -> int:
    """Give the number of rows of a block by the samples alone: fewer where they are images.

    Parameters
    ----------
    model
        Network with the shape of its samples.

    Examples
    --------
    >>> from interp.checkpoints import load_module
    >>> block_of(load_module(nn.Sequential(nn.Linear(64, 10)))[0])
    1024
    """
    if len(model.input_shape) < 2:
        return BLOCK
    channels = next((part.out_channels for part in model.module.modules() if isinstance(part, nn.Conv2d)), 1)
    return images_a_block(channels, model.input_shape, sum(part.numel() for part in model.module.parameters()))


def images_a_block(channels: int, shape: Sequence[int], weights: int) -> int:
    """Give the number of images to run at once: of a small network, the fewer the larger its maps.

    Parameters
    ----------
    channels
        Number of channels of the first convolution's maps.
    shape
        Shape of one image, (channels, height, width).
    weights
        Number of weights of the network.

    Examples
    --------
    >>> images_a_block(6, (1, 28, 28), 60_000), images_a_block(64, (3, 32, 32), 60_000)
    (128, 64)
    """
    if weights > SMALL:
        return IMAGE_BLOCK
    rows = FIRST_MAPS // max(1, channels * math.prod(shape[1:]))
    return min(IMAGE_BLOCK, max(FEWEST_IMAGES, 2 ** (rows.bit_length() - 1)) if rows else FEWEST_IMAGES)


def channels_last(module: nn.Module) -> nn.Module:
    """Copy a rebuilt network for quick passes: convolutions in the format channels-last, other parts as quicker ones.

    Its outputs are the same to rounding. Of a chain, parts are joined and exchanged as `quick.joined` says.

    Parameters
    ----------
    module
        Any network.

    Returns
    -------
    Module
        Copy in the format channels-last, for passes without gradients; the very same module where it has no
        convolutions, or is the user's own, which may not be copied.

    Examples
    --------
    >>> channels_last(Chain([("conv", nn.Conv2d(3, 4, 5))])).get_submodule("conv").weight.stride()
    (75, 1, 15, 3)
    """
    ours = isinstance(module, (Chain, Dag)) and any(isinstance(part, nn.Conv2d) for part in module.modules())
    if not ours:
        return module
    whole = copy.deepcopy(module)
    if isinstance(whole, Chain) and not whole.training:
        whole = Chain(joined([(name, whole.get_submodule(name)) for name in whole.order])).eval()
    return make_quick(whole.to(memory_format=torch.channels_last))


def as_tensor(inputs: Array, scaling: Scaling, shape: tuple[int, ...]) -> Tensor:
    """Scale stored inputs and give them the shape that the module takes.

    Parameters
    ----------
    inputs
        Inputs as stored (S, D).
    scaling
        Scaling of stored inputs.
    shape
        Shape of one sample as the module takes it.

    Returns
    -------
    Tensor
        Scaled inputs (S, *shape), float32.

    Examples
    --------
    >>> as_tensor(np.array([[0, 255]], np.uint8), Scaling("x/255", 255.0), (1, 2))
    tensor([[[0., 1.]]])
    """
    return torch.from_numpy(np.ascontiguousarray(scaling(inputs))).reshape(len(inputs), *shape)


def input_blocks(
    model: Runnable, inputs: Array, size: int | None = None, first: int = 0, last: int | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """Yield blocks of scaled inputs in order; of inputs on disk, the next is read while one is used.

    Parameters
    ----------
    model
        Network that the inputs are for.
    inputs
        Inputs as stored (S, D).
    size
        Number of rows of a block; None for `rows_a_block`.
    first
        Index of the first row.
    last
        Index behind the last row; None for all.

    Yields
    ------
    rows
        Slice of the inputs that the block holds.
    block
        Scaled inputs on the device of the network (B, ...).

    Examples
    --------
    >>> from interp.checkpoints import load_module
    >>> model, _ = load_module(nn.Sequential(nn.Linear(4, 2)))
    >>> [rows for rows, _ in input_blocks(model, np.zeros((5, 4), np.float32), size=3)]
    [slice(0, 3, None), slice(3, 5, None)]
    """
    device = device_of(model.module)
    last = len(inputs) if last is None else last
    blocks = _scaled_blocks(model, inputs, size or rows_a_block(model), first, last)
    with closing(ahead(blocks) if isinstance(inputs, RowsOnDisk) else blocks) as scaled:
        for rows, block in scaled:
            yield rows, block.to(device)


def _scaled_blocks(
    model: Runnable, inputs: Array, size: int, first: int, last: int
) -> Generator[tuple[slice, Tensor], None, None]:
    for start in range(first, last, size):
        rows = slice(start, min(start + size, last))
        yield rows, as_tensor(inputs[rows], model.scaling, model.input_shape)


@torch.no_grad()
def outputs_on(model: Runnable, inputs: Array, size: int | None = None) -> Tensor:
    """Run a network on stored inputs.

    Parameters
    ----------
    model
        Network with its scaling.
    inputs
        Inputs as stored (S, D).
    size
        Number of rows to run at once; None for `rows_a_block`.

    Returns
    -------
    Tensor
        Outputs on the CPU (S, C).

    Examples
    --------
    >>> from interp.checkpoints import load_module
    >>> outputs_on(load_module(nn.Sequential(nn.Linear(4, 2)))[0], np.zeros((5, 4), np.float32)).shape
    torch.Size([5, 2])
    """
    return torch.cat([model.module(x).cpu() for _, x in input_blocks(model, inputs, size)])


def device_of(module: nn.Module) -> torch.device:
    """Give the device of a module's parameters, or that on which it runs where they are kept elsewhere; else the CPU.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> device_of(nn.ReLU())
    device(type='cpu')
    """
    first = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    return running_device(module) or first if first.type == "meta" else first


IMAGE_SIDES = (28, 32, 8, 64, 96, 224)
"""Side lengths of square images that are tried where there are no data, in pixels."""

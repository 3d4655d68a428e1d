"""Windows of inputs that one call of a linear map multiplies with its weights, also of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from interp.network.layouts import samples_first
from interp.network.tracing.calls import Call
from interp.types import NodeLayer

SETTINGS = (("stride", 1), ("padding", 0), ("dilation", 1))
"""Argument of a convolution that has a number for each spatial axis -> what it is where it is not given."""


class Read(NamedTuple):
    """Inputs, weights and geometry of one call of a linear map.

    Attributes
    ----------
    values
        Inputs of a linear map (B, ..., D); of a convolution (B, C, *size), padded and dilated so that every node reads
        a window of them.
    kernel, stride, dilation
        Size, step and spacing of the windows, one number for each spatial axis; empty without convolution.
    weight
        Weights of the call (N, D).
    bias
        Biases of the call (N,); 0 where it has none.
    """

    values: Tensor
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    weight: Tensor
    bias: Tensor

    @property
    def windows(self) -> Tensor:
        """View of all windows (B, *positions, C, *kernel)."""
        view = self.values
        for axis, (size, step, apart) in enumerate(zip(self.kernel, self.stride, self.dilation, strict=True)):
            view = view.unfold(2 + axis, (size - 1) * apart + 1, step)[..., ::apart]
        space = len(self.kernel)
        return view.movedim(1, 1 + space)

    def rows(self, samples: int, index: Tensor, position: Tensor) -> Tensor:
        """Give what nodes read of some samples at some positions.

        Parameters
        ----------
        samples
            Number of samples in the call, B.
        index
            Indices of samples (R,).
        position
            Flat index of a position for each of them (R,).

        Returns
        -------
        Tensor
            Rows of inputs (R, D).
        """
        if not self.kernel:
            flat = self.values.reshape(samples, -1, self.values.shape[-1])
            return flat[index, position]
        windows = self.windows
        images = len(windows) // samples
        sizes = windows.shape[1 : 1 + len(self.kernel)]
        image, *place = np.unravel_index(position.numpy(), (images, *sizes))
        where = [torch.from_numpy(np.asarray(each)) for each in (index.numpy() * images + image, *place)]
        return windows[tuple(where)].flatten(1)


def windows_of(call: Call, layer: NodeLayer, samples: int) -> Read:
    """Give the windows of inputs that a call of a linear map multiplies.

    Parameters
    ----------
    call
        Call of a linear map or convolution, with its arguments.
    layer
        Layer that makes the call.
    samples
        Number of samples in the call.

    Returns
    -------
    Read
        Inputs with samples on axis 0, weights and biases; a transposed convolution as the plain one that it is.

    Examples
    --------
    >>> x, weight = torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3)
    >>> call = Call("conv2d", {"input": x, "weight": weight, "padding": 1})
    >>> windows_of(call, NodeLayer("0", "conv2d", 3, 18, "identity", "0"), 1).windows.shape
    torch.Size([1, 5, 5, 2, 3, 3])
    """
    said = call.arguments
    values, weight = said["input"].detach(), said["weight"].detach()
    if call.kind == "linear":
        rows = samples_first(values, replace(layer, kind="linear"), samples)
        return Read(rows, (), (), (), weight.double().cpu(), _bias(said, len(weight)))
    space = weight.dim() - 2
    stride, padding, dilation = (_each(said.get(name, first), space) for name, first in SETTINGS)
    groups, kernel = int(said.get("groups", 1)), tuple(weight.shape[2:])
    reach = [apart * (size - 1) for apart, size in zip(dilation, kernel, strict=True)]
    if call.kind.startswith("conv-transpose"):
        extra = _each(said.get("output_padding", 0), space)
        sides = [(far - pad, far - pad + more) for far, pad, more in zip(reach, padding, extra, strict=True)]
        values, weight, stride = spread(values, stride), turned(weight, groups), (1,) * space
    elif padding == "same":
        sides = [(far // 2, far - far // 2) for far in reach]
    else:
        sides = [(pad, pad) for pad in padding] if padding != "valid" else [(0, 0)] * space
    values = F.pad(values, [side for pair in reversed(sides) for side in pair])
    rows = _whole_patch(weight.double().cpu().flatten(1), groups)
    return Read(values, kernel, stride, dilation, rows, _bias(said, len(rows)))


def _each(value: Any, space: int) -> Any:
    """Repeat a setting for each spatial axis; a word stays a word."""
    if isinstance(value, int):
        return (value,) * space
    return value if isinstance(value, str) else tuple(value) * (space // len(tuple(value)))


def _bias(said: dict[str, Any], nodes: int) -> Tensor:
    bias = said.get("bias")
    return torch.zeros(nodes, dtype=torch.float64) if bias is None else bias.detach().double().cpu()


def spread(values: Tensor, stride: Sequence[int]) -> Tensor:
    """Put stride - 1 zeros between neighbours: a transposed convolution is a plain one of the result.

    Parameters
    ----------
    values
        Inputs of a transposed convolution (B, C, *size).
    stride
        Stride of that convolution, one number for each spatial axis.

    Examples
    --------
    >>> spread(torch.tensor([[[1.0, 2.0]]]), (3,))
    tensor([[[1., 0., 0., 2.]]])
    """
    size = [(side - 1) * step + 1 for side, step in zip(values.shape[2:], stride, strict=True)]
    spread = values.new_zeros(*values.shape[:2], *size)
    at = spread
    for axis, step in enumerate(stride):
        at = at[(slice(None),) * (2 + axis) + (slice(None, None, step),)]
    at.copy_(values)
    return spread


def turned(weight: Tensor, groups: int) -> Tensor:
    """Turn weights (C, N / groups, ...) of a transposed convolution into those (N, C / groups, ...) of a plain one.

    Parameters
    ----------
    weight
        Weights as a transposed convolution has them.
    groups
        Number of groups of the convolution.

    Examples
    --------
    >>> turned(torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]]), 1)
    tensor([[[2., 1.],
             [4., 3.]]])
    """
    parts = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    return parts.flip(tuple(range(2, weight.dim())))


def _whole_patch(weight: Tensor, groups: int) -> Tensor:
    """Fill weights of a grouped convolution with 0 where a node reads nothing, (N, D / groups) -> (N, D)."""
    if groups == 1:
        return weight
    whole = weight.new_zeros(groups, len(weight) // groups, groups, weight.shape[1])
    for group, part in enumerate(weight.reshape(groups, -1, weight.shape[1])):
        whole[group, :, group] = part
    return whole.reshape(len(weight), -1)

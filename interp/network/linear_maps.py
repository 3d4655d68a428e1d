"""The linear map behind a layer's nodes: its weights, and the rows of inputs that they are multiplied with.

Both are taken from the call that the network makes, so that weights standardised on the fly, padding that
depends on the input's size, and linear maps called as functions are what they are when the network runs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from interp.network.hooks import tap
from interp.network.kinds import kind_named, node_weight
from interp.network.layouts import samples_first
from interp.network.nodes import rows_of_nodes
from interp.network.tracing.calls import Call, Seer, call_of, function_name, place_of
from interp.types import Array, NodeLayer

AGREES = 1e-3
"""Largest difference between w.x + b and z, relative to the largest |z|, where w and b are the map."""


class Read(NamedTuple):
    """What one layer reads, and how.

    Attributes
    ----------
    values
        (B, ..., D) of a linear map; (B, C, *size) of a convolution, padded and spread so that windows
        of it are what nodes read.
    kernel, stride, dilation
        Of the windows, one value an axis of space; empty without convolution.
    weight, bias
        (N, D) and (N,) of the very call.
    """

    values: Tensor
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    weight: Tensor
    bias: Tensor

    @property
    def windows(self) -> Tensor:
        """A view (B, *positions, C, *kernel) of every window."""
        view = self.values
        for axis, (size, step, apart) in enumerate(zip(self.kernel, self.stride, self.dilation, strict=True)):
            view = view.unfold(2 + axis, (size - 1) * apart + 1, step)[..., ::apart]
        space = len(self.kernel)
        return view.movedim(1, 1 + space)

    def rows(self, samples: int, index: Tensor, position: Tensor) -> Tensor:
        """Give what nodes read of samples (R,) at flat positions (R,), as rows (R, D)."""
        if not self.kernel:
            flat = self.values.reshape(samples, -1, self.values.shape[-1])
            return flat[index, position]
        windows = self.windows
        images = len(windows) // samples
        sizes = windows.shape[1 : 1 + len(self.kernel)]
        image, *place = np.unravel_index(position.numpy(), (images, *sizes))
        where = [torch.from_numpy(np.asarray(each)) for each in (index.numpy() * images + image, *place)]
        return windows[tuple(where)].flatten(1)


class _ReachedError(Exception):
    """Carries what a layer was about to compute out of a run that need not go on."""

    def __init__(self, call: Call) -> None:
        self.call = call


@torch.no_grad()
def read_by(module: nn.Module, layer: NodeLayer, inputs: Tensor) -> Read:
    """Run the network up to a layer and give what it reads, samples on axis 0."""
    capture = _Capture(module, layer)
    try:
        with capture:
            module(inputs)
    except _ReachedError as reached:
        return _read(reached.call, layer, len(inputs))
    raise AssertionError(f"{layer.name} was not called")


class _Capture(Seer):
    """Stops at the linear map that a module computes, or that is called with a parameter."""

    def __init__(self, module: nn.Module, layer: NodeLayer) -> None:
        super().__init__()
        self.layer = layer
        self.part = module.get_submodule(layer.name) if layer.name in dict(module.named_modules()) else None
        self.mark = weight_of(module, layer)
        self.inside = False
        self._handles: list[Any] = []

    def __enter__(self) -> _Capture:
        if self.part is not None:
            self._handles += [self.part.register_forward_pre_hook(self._enter)]
            self._handles += [self.part.register_forward_hook(self._leave)]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        for handle in self._handles:
            handle.remove()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def _enter(self, part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.inside = True

    def _leave(self, part: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        """Take a layer of distances, or one that multiplies in another way, as a map of what its module reads."""
        raise _ReachedError(
            Call("linear", {"input": inputs[0], "weight": node_weight(part, kind_named(self.layer.kind))})
        )

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function, or stop at the one looked for."""
        made = call_of(function_name(func), args, kwargs)
        if made is not None and made.kind != "norm" and (self.inside or made.key is self.mark):
            raise _ReachedError(made)
        return func(*args, **kwargs)


def weight_of(module: nn.Module, layer: NodeLayer) -> Tensor:
    """Give the tensor that holds a layer's nodes, of a module or called as a function."""
    for parameter in (f"{layer.name}.{kind_named(layer.kind).weight}", f"{layer.name}_weight", layer.name):
        with suppress(AttributeError):
            if isinstance(found := place_of(module, parameter), Tensor):
                return found
    raise AssertionError(f"no weight of {layer.name}")


# --------------------------------------------------------------------------- calls as windows


def _read(call: Call, layer: NodeLayer, samples: int) -> Read:
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
        values, weight, stride = _spread(values, stride), _turned(weight, groups), (1,) * space
    elif padding == "same":
        sides = [(far // 2, far - far // 2) for far in reach]
    else:
        sides = [(pad, pad) for pad in padding] if padding != "valid" else [(0, 0)] * space
    values = F.pad(values, [side for pair in reversed(sides) for side in pair])
    rows = whole_patch(weight.double().cpu().flatten(1), groups)
    return Read(values, kernel, stride, dilation, rows, _bias(said, len(rows)))


SETTINGS = (("stride", 1), ("padding", 0), ("dilation", 1))


def _each(value: Any, space: int) -> Any:
    """Give a setting one value an axis of space; a word stays a word."""
    if isinstance(value, int):
        return (value,) * space
    return value if isinstance(value, str) else tuple(value) * (space // len(tuple(value)))


def _bias(said: dict[str, Any], nodes: int) -> Tensor:
    bias = said.get("bias")
    return torch.zeros(nodes, dtype=torch.float64) if bias is None else bias.detach().double().cpu()


def _spread(values: Tensor, stride: tuple[int, ...]) -> Tensor:
    """Put stride - 1 zeros between neighbours: a transposed convolution is a plain one of that."""
    size = [(side - 1) * step + 1 for side, step in zip(values.shape[2:], stride, strict=True)]
    spread = values.new_zeros(*values.shape[:2], *size)
    at = spread
    for axis, step in enumerate(stride):
        at = at[(slice(None),) * (2 + axis) + (slice(None, None, step),)]
    at.copy_(values)
    return spread


def _turned(weight: Tensor, groups: int) -> Tensor:
    """Turn weights (C, N / groups, ...) of a transposed convolution into those (N, C / groups, ...) of a plain one."""
    parts = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    return parts.flip(tuple(range(2, weight.dim())))


def whole_patch(weight: Tensor, groups: int) -> Tensor:
    """Put 0 where a grouped convolution's node reads nothing: (N, D / groups) -> (N, D)."""
    if groups == 1:
        return weight
    whole = weight.new_zeros(groups, len(weight) // groups, groups, weight.shape[1])
    for group, part in enumerate(weight.reshape(groups, -1, weight.shape[1])):
        whole[group, :, group] = part
    return whole.reshape(len(weight), -1)


# --------------------------------------------------------------------------- weights


@torch.no_grad()
def affine_map(module: nn.Module, layer: NodeLayer, example: Tensor) -> tuple[Array, Array] | None:
    """Give w (N, D) and b (N,) in float64 with batch-norm folded in, such that z = w.x + b.

    Parameters
    ----------
    example
        A sample or more as the module takes it, on which z = w.x + b is tried.

    Returns
    -------
    tuple or None
        None where it does not hold: for distances, and for modules that do more than multiply.
    """
    if kind_named(layer.kind).distances:
        return None
    read = read_by(module, layer, example)
    with tap(module, [layer]) as values:
        module(example)
    z = rows_of_nodes(values[layer.name], layer.kind).double().cpu()
    scale, shift = _norm_map(module, layer)
    weight, bias = read.weight * scale[:, None], read.bias * scale + shift
    count = len(z) // len(example)
    index = torch.arange(len(example)).repeat_interleave(min(count, 8))
    position = torch.linspace(0, count - 1, min(count, 8)).long().repeat(len(example))
    if weight.shape[1] != layer.inputs or len(weight) != layer.nodes:
        return None
    x = read.rows(len(example), index, position).double().cpu()
    error = (x @ weight.T + bias - z[index * count + position]).abs().max()
    return (np.asarray(weight), np.asarray(bias)) if bool(error <= AGREES * (1 + z.abs().max())) else None


def _norm_map(module: nn.Module, layer: NodeLayer) -> tuple[Tensor, Tensor]:
    """Give the scale and shift of the norm that z is taken behind, (N,) each, or ones and zeros."""
    norm = place_of(module, layer.tap.removesuffix(".running_mean"))
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm) or norm.running_mean is None or norm.running_var is None:
        return torch.ones(layer.nodes, dtype=torch.float64), torch.zeros(layer.nodes, dtype=torch.float64)
    scale = 1 / torch.sqrt(norm.running_var.double().cpu() + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.detach().double().cpu()
    shift = -norm.running_mean.double().cpu() * scale
    return scale, shift + (norm.bias.detach().double().cpu() if norm.affine else 0)

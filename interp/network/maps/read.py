"""The linear map behind a layer's nodes: its weights, and the rows of inputs that they are multiplied with.

Both are taken from the call that the network makes, so that they are right also for weights that are standardised in
each call, padding that depends on the input's size, and linear maps that are called as functions.
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
from interp.network.kinds import kind_named, node_kind, node_weight
from interp.network.layouts import in_time, samples_first
from interp.network.nodes import rows_of_nodes
from interp.network.recurrent.running import is_elsewhere, read_at_steps
from interp.network.recurrent.sites import OneStep
from interp.network.tracing.calls import Call, Seer, call_of, function_name, place_of
from interp.network.tracing.offloaded import has_hooks, puts_away, with_values
from interp.types import Array, NodeLayer

AGREES = 1e-3
"""Largest difference between w.x + b and z, relative to 1 + the largest |z|, at which w and b are the layer's map."""


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


class _ReachedError(Exception):
    """Ends a run of the network at the call that a layer makes, and carries the call."""

    def __init__(self, call: Call) -> None:
        self.call = call


@torch.no_grad()
def read_by(module: nn.Module, layer: NodeLayer, inputs: Tensor) -> Read:
    """Run a network up to a layer and give what the layer reads.

    Parameters
    ----------
    module
        Network that the layer is part of.
    layer
        Layer whose inputs are wanted.
    inputs
        Scaled inputs of the network (B, ...).

    Returns
    -------
    Read
        Inputs of the layer with samples on axis 0, and weights of its call.

    Examples
    --------
    >>> network = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    >>> layer = NodeLayer("1", "linear", 3, 2, "identity", "1")
    >>> read_by(network, layer, torch.tensor([[-1.0, 5.0]])).values
    tensor([[0., 5.]])
    """
    part = place_of(module, layer.tap)
    if layer.is_stepwise and isinstance(part, OneStep) and not is_elsewhere(part):
        return _read_at_steps(module, part, layer, inputs)
    capture = _Capture(module, layer)
    try:
        with capture:
            module(inputs)
    except _ReachedError as reached:
        return _read(reached.call, layer, len(inputs))
    assert capture.steps, f"{layer.name} was not called"
    if not layer.is_stepwise:
        return _read(capture.steps[0], layer, len(inputs))
    every = in_time([call.arguments["input"] for call in capture.steps], layer)
    return _read(Call("linear", {**capture.steps[0].arguments, "input": every}), layer, len(inputs))


def _read_at_steps(module: nn.Module, part: OneStep, layer: NodeLayer, inputs: Tensor) -> Read:
    """Run a network and give what a part of a cell of ours reads, which shows without looking at each function."""
    assert isinstance(part, nn.Module)
    steps = read_at_steps(module, part, inputs)
    assert steps, f"{layer.name} was not called"
    bias = part.bias if isinstance(part, nn.Linear) else None
    weight = node_weight(part, kind_named(layer.kind))
    return _read(Call("linear", {"input": in_time(steps, layer), "weight": weight, "bias": bias}), layer, len(inputs))


class _Capture(Seer):
    """Stops at the linear map that a module computes, or that is called with a parameter.

    Of a layer that runs a time step at a time, it collects the calls of all steps in `steps`, and stops at none. Nor
    does it where parts put their parameters away when they have run.
    """

    def __init__(self, module: nn.Module, layer: NodeLayer) -> None:
        super().__init__()
        self.module, self.layer = module, layer
        part = dict(module.named_modules()).get(layer.name)  # of a tied weight it may be a table of words
        self.part = part if part is not None and node_kind(part) is not None else None
        self.name = _name_of_weight(module, layer)
        self.mark = place_of(module, self.name)
        self.is_loaded, self.ends = has_hooks(module), not any(map(puts_away, module.modules()))
        self.inside = False
        self.steps: list[Call] = []
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
        """Take a layer of distances, or one that multiplies in another way, as a map of its module's input."""
        if self.inside:
            self._reach(Call("linear", {"input": inputs[0], "weight": weight_of(self.module, self.layer)}))

    def _reach(self, call: Call) -> None:
        if not self.layer.is_stepwise and self.ends:
            raise _ReachedError(call)
        if not self.ends:  # what follows may be in place
            call = Call(call.kind, {**call.arguments, "input": call.arguments["input"].clone()})
        self.steps.append(call)
        self.inside = False

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function, or end the run at the layer's call."""
        made = call_of(function_name(func), args, kwargs)
        if made is not None and made.kind != "norm" and (self.inside or self._is_own(made.key)):
            self._reach(made)
        return func(*args, **kwargs)

    def _is_own(self, key: Any) -> bool:
        """Whether a tensor is the layer's weight; one that is loaded for a pass is another each time."""
        return key is (place_of(self.module, self.name) if self.is_loaded else self.mark)


def weight_of(module: nn.Module, layer: NodeLayer) -> Tensor:
    """Give the tensor that holds a layer's nodes, where a module holds them and where a function is called with them.

    Parameters
    ----------
    module
        Network that the layer is part of.
    layer
        Layer whose weights are wanted.

    Returns
    -------
    Tensor
        Weights of the layer as the network holds them (N, D, ...).

    Examples
    --------
    >>> network = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    >>> weight_of(network, NodeLayer("1", "linear", 3, 2, "identity", "1")).shape
    torch.Size([3, 2])
    """
    name = _name_of_weight(module, layer)
    found = place_of(module, name)
    assert isinstance(found, Tensor)
    return with_values(module, name, found)


def _name_of_weight(module: nn.Module, layer: NodeLayer) -> str:
    for name in (f"{layer.name}.{kind_named(layer.kind).weight}", f"{layer.name}_weight", layer.name):
        with suppress(AttributeError):
            if isinstance(place_of(module, name), Tensor):
                return name
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
    """Repeat a setting for each spatial axis; a word stays a word."""
    if isinstance(value, int):
        return (value,) * space
    return value if isinstance(value, str) else tuple(value) * (space // len(tuple(value)))


def _bias(said: dict[str, Any], nodes: int) -> Tensor:
    bias = said.get("bias")
    return torch.zeros(nodes, dtype=torch.float64) if bias is None else bias.detach().double().cpu()


def _spread(values: Tensor, stride: tuple[int, ...]) -> Tensor:
    """Put stride - 1 zeros between neighbours: a transposed convolution is a plain one of the result."""
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
    """Fill weights of a grouped convolution with 0 where a node reads nothing, (N, D / groups) -> (N, D)."""
    if groups == 1:
        return weight
    whole = weight.new_zeros(groups, len(weight) // groups, groups, weight.shape[1])
    for group, part in enumerate(weight.reshape(groups, -1, weight.shape[1])):
        whole[group, :, group] = part
    return whole.reshape(len(weight), -1)


# --------------------------------------------------------------------------- weights


@torch.no_grad()
def affine_map(module: nn.Module, layer: NodeLayer, example: Tensor) -> tuple[Array, Array] | None:
    """Give weights w and biases b with batch-norm folded in, such that z = w.x + b.

    Parameters
    ----------
    module
        Network that the layer is part of.
    layer
        Layer whose map is wanted.
    example
        At least one sample as the module takes it, on which z = w.x + b is tested.

    Returns
    -------
    tuple or None
        Weights (N, D) and biases (N,), float64; None where z = w.x + b does not hold, as for distances and for modules
        that do more than multiply.

    Examples
    --------
    >>> weight, bias = affine_map(
    ...     nn.Sequential(nn.Linear(2, 3)), NodeLayer("0", "linear", 3, 2, "identity", "0"), torch.ones(1, 2)
    ... )
    >>> weight.shape, bias.shape
    ((3, 2), (3,))
    """
    if kind_named(layer.kind).distances:
        return None
    read = read_by(module, layer, example)
    with tap(module, [layer], to_end=False) as values:
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
    """Give scale and shift of the batch norm that z is the output of, (N,) each; ones and zeros without one."""
    norm = place_of(module, layer.tap.removesuffix(".running_mean"))
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm) or norm.running_mean is None or norm.running_var is None:
        return torch.ones(layer.nodes, dtype=torch.float64), torch.zeros(layer.nodes, dtype=torch.float64)
    scale = 1 / torch.sqrt(norm.running_var.double().cpu() + norm.eps)
    if norm.affine:
        scale = scale * with_values(norm, "weight", norm.weight).detach().double().cpu()
    shift = -norm.running_mean.double().cpu() * scale
    return scale, shift + (with_values(norm, "bias", norm.bias).detach().double().cpu() if norm.affine else 0)

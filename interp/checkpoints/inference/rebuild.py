"""From a stack of layers and a candidate to a module that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from interp.checkpoints.inference.candidates.by_layer import last_of, spread
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import module_of
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.stack.layers import Layer, Norm
from interp.network.activations import Activation, Negate
from interp.network.chain import Chain, chain_of


class Planned(NamedTuple):
    """A module of a network that is not built yet.

    Attributes
    ----------
    name
        Name in the file, or one after the layer before it.
    settings
        Kind and settings, which tell it from other modules of that name.
    build
        Function that builds it.
    """

    name: str
    settings: tuple[object, ...]
    build: Callable[[], nn.Module]


def rebuild(layers: Sequence[Layer], candidate: Candidate) -> Chain:
    """Build the network that a candidate describes, under the names that its file uses."""
    return chain_of([(one.name, one.build()) for one in planned(layers, candidate)])


def planned(layers: Sequence[Layer], candidate: Candidate) -> list[Planned]:
    """List the modules of the network that a candidate describes, in running order.

    Parameters
    ----------
    layers
        Layers in running order.
    candidate
        Candidate that says what is between them.
    """
    steps: list[Planned] = []
    at_end = last_of(candidate.activation) if candidate.ends_active else "identity"
    names = (*spread(candidate.activation, len(layers) - 1), at_end)
    for number, (layer, active) in enumerate(zip(layers, names, strict=True)):
        last = layer is layers[-1]
        if candidate.layout is not None and layer.is_convolution:
            steps += _convolution(layer, number, active, candidate.order, candidate.layout)
            if last or not layers[number + 1].is_convolution:
                steps += _flatten(candidate.layout)
        else:
            steps.append(Planned(layer.name, ("linear",), partial(_linear, layer)))
            steps += _after_linear(layer, active, candidate.order)
    if candidate.output == "negated-activation":
        steps.append(Planned("negate", ("negate",), Negate))
    if (end := module_of(candidate.output)) is not None:
        steps.append(Planned(candidate.output.replace("-", "_"), ("output",), lambda: end))
    return steps


Steps = list[tuple[str, nn.Module]]


def dense_steps(layers: Sequence[Layer], activation: str) -> Steps:
    """Build dense layers with an activation between them, under the names that their file uses.

    Parameters
    ----------
    layers
        Dense layers in running order.
    activation
        Name of one of `interp.network.activations.ACTIVATIONS`; the last layer has none.
    """
    steps: Steps = []
    for layer in layers:
        active = "identity" if layer is layers[-1] else activation
        behind = _after_linear(layer, active, "before")
        steps += [(layer.name, _linear(layer).eval()), *((one.name, one.build()) for one in behind)]
    return steps


def _after_linear(layer: Layer, activation: str, order: str, pool: Sequence[Planned] = ()) -> list[Planned]:
    norm, active = [], []
    if layer.norm is not None:
        norm.append(Planned(layer.norm.name, ("norm",), partial(norm_part, layer.norm, layer.weight.dim())))
    if activation != "identity":
        named = f"{layer.name}_{activation}"
        active.append(Planned(named, ("activation", activation), partial(_activation, layer, activation)))
    orders = {
        "before": [*norm, *active, *pool],
        "after": [*active, *norm, *pool],
        "pool-first": [*pool, *norm, *active],
        "last": [*active, *pool, *norm],
    }
    return orders[order]


def _activation(layer: Layer, activation: str) -> nn.Module:
    """Build an activation, with the slopes of the layer before it where it has any."""
    if layer.slope is None:
        return Activation(activation)
    part = nn.PReLU(layer.slope.numel())
    part.load_state_dict({"weight": layer.slope})
    return part


def _convolution(layer: Layer, number: int, activation: str, order: str, layout: PoolingLayout) -> list[Planned]:
    stride, padding, window = layout.stride[number], layout.padding[number], layout.pooling[number]
    step = layout.pool_stride[number] if layout.pool_stride else window
    build = partial(_conv2d, layer, stride, padding)
    kinds: dict[str, type[nn.MaxPool2d] | type[nn.AvgPool2d]] = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}
    settings = (layout.kind, window) if step == window else (layout.kind, window, step)
    pool = Planned(f"{layer.name}_pool", settings, partial(kinds[layout.kind], window, step))
    behind = _after_linear(layer, activation, order, [pool] if window > 1 else [])
    return [Planned(layer.name, ("convolution", stride, padding), build), *behind]


def _conv2d(layer: Layer, stride: int, padding: int) -> nn.Conv2d:
    high, wide = layer.weight.shape[2:]
    part = nn.Conv2d(
        layer.channels,
        len(layer.weight),
        (high, wide),
        stride=stride,
        padding=padding,
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    _load(part, layer)
    return part


def _flatten(layout: PoolingLayout) -> list[Planned]:
    kinds: dict[str, type[nn.AdaptiveAvgPool2d] | type[nn.AdaptiveMaxPool2d]]
    kinds = {"mean": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
    flatten = Planned("flatten", ("flatten",), nn.Flatten)
    if not layout.end:
        return [flatten]
    return [Planned(f"whole_{layout.end}", (layout.end,), partial(kinds[layout.end], 1)), flatten]


def _load(part: nn.Module, layer: Layer) -> None:
    part.load_state_dict(
        {"weight": layer.weight} if layer.bias is None else {"weight": layer.weight, "bias": layer.bias}
    )


def _linear(layer: Layer) -> nn.Linear:
    outputs, inputs = layer.weight.shape
    part = nn.Linear(inputs, outputs, bias=layer.bias is not None)
    _load(part, layer)
    return part


def norm_part(norm: Norm, dimensions: int) -> nn.Module:
    """Build a norm behind a layer.

    Parameters
    ----------
    norm
        Numbers of the norm.
    dimensions
        Number of axes of the layer's weights, 4 of a convolution over images.
    """
    if norm.mean is None or norm.var is None:
        return own_norm(norm)
    part = (nn.BatchNorm2d if dimensions == 4 else nn.BatchNorm1d)(len(norm.mean), affine=norm.weight is not None)
    state: dict[str, torch.Tensor] = {"running_mean": norm.mean, "running_var": norm.var}
    if norm.weight is not None and norm.bias is not None:
        state |= {"weight": norm.weight, "bias": norm.bias}
    part.load_state_dict(state, strict=False)
    return part


def own_norm(norm: Norm) -> nn.Module:
    """Build a norm that takes each sample's own moments: a layer norm, or an RMS norm where it has no bias.

    Parameters
    ----------
    norm
        Numbers of one without a running mean.
    """
    part: nn.LayerNorm | nn.RMSNorm
    part = nn.RMSNorm(norm.width) if norm.bias is None else nn.LayerNorm(norm.width)
    part.load_state_dict(
        {key: held for key, held in (("weight", norm.weight), ("bias", norm.bias)) if held is not None}
    )
    return part

"""Which tensors of a network are nodes: a linear map, the norm that follows it, its activation.

The network is run once on a few samples while every torch function call is watched, so that
functional, reused and in-place activations are found as well as modules.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from interp.activations import activation_name
from interp.types import Array, NodeLayer

NODE_KINDS: dict[str, str] = {
    "torch.nn.modules.linear.Linear": "linear",
    "torch.nn.modules.conv.Conv1d": "conv1d",
    "torch.nn.modules.conv.Conv2d": "conv2d",
    "zoo.layers.OffsetL2": "offset-l2",
}
"""Qualified class name -> kind. Add your own: weight (N, D, ...) and one output channel a node."""

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

KEEPS_NODES = {
    "adaptive_avg_pool2d", "avg_pool2d", "batch_norm", "contiguous", "dropout", "flatten", "identity",
    "max_pool2d", "max_pool2d_with_indices", "reshape", "squeeze", "unsqueeze", "view",
}  # fmt: skip
"""Torch functions after which an activation still acts on the same nodes."""


class Structure(NamedTuple):
    """What a network is made of.

    Attributes
    ----------
    layers
        What can be looked at, in the order in which it runs.
    skipped
        Module name -> why it is not covered, for every module that holds parameters.
    output
        What is done to the last layer's z: ``linear``, ``activation``, ``negated``,
        ``negated-activation``, ``log-softmax``, ``softmax`` or ``sigmoid``.
    """

    layers: tuple[NodeLayer, ...]
    skipped: dict[str, str]
    output: str


class Tapped(NamedTuple):
    """What was seen of one linear map while the network ran; `trail`: functions applied to its nodes."""

    name: str
    module: nn.Module
    kind: str
    tap: str
    calls: int
    trail: tuple[str, ...] = ()


def find_layers(module: nn.Module, example: Tensor) -> Structure:
    """Find the node layers of a network by watching one run.

    Parameters
    ----------
    module
        In eval mode.
    example
        A few samples as the module takes them, (B, ...).
    """
    watch = _Watch(module)
    with torch.no_grad(), watch:
        module(example)
    usable = [seen for seen in watch.seen.values() if seen.calls == 1]
    layers = tuple(_node_layer(seen) for seen in usable)
    skipped = _skipped(module, watch, {layer.name for layer in layers} | {layer.tap for layer in layers})
    return Structure(layers, skipped, _output_form(usable[-1]) if usable else "linear")


def _node_layer(seen: Tapped) -> NodeLayer:
    weight = node_weight(seen.module, seen.kind)
    return NodeLayer(
        name=seen.name,
        kind=seen.kind,
        nodes=weight.shape[0],
        inputs=weight[0].numel() * _groups(seen.module),
        activation=_activation(seen.trail),
        tap=seen.tap,
    )


def _activation(trail: tuple[str, ...]) -> str:
    first = trail[0] if trail else ""
    return activation_name(first) or ("custom" if first in CUSTOM_STARTS else "identity")


def _output_form(seen: Tapped) -> str:
    if seen.kind == "offset-l2":
        return "negated-distance" if "neg" in seen.trail else "distance"
    negated = "neg" in seen.trail
    named = next((OUTPUTS[function] for function in seen.trail if function in OUTPUTS), None)
    if named is not None:
        return named
    active = _activation(seen.trail) != "identity"
    return {(False, False): "linear", (False, True): "activation", (True, False): "negated"}.get(
        (negated, active), "negated-activation"
    )


OUTPUTS = {"log_softmax": "log-softmax", "softmax": "softmax", "sigmoid": "sigmoid"}
"""Torch functions on the last layer that make scores of z without changing what it measures."""


def node_weight(module: nn.Module, kind: str) -> Tensor:
    """Give the tensor whose first axis is nodes: weights, or the centres of a distance layer."""
    weight = module.mu if kind == "offset-l2" else module.weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def _groups(module: nn.Module) -> int:
    """Into how many groups a convolution's channels fall; a node reads one of them."""
    return int(getattr(module, "groups", 1))


def _skipped(module: nn.Module, watch: _Watch, covered: set[str]) -> dict[str, str]:
    reasons = {}
    for name, part in module.named_modules():
        if name in covered or not any(True for _ in part.parameters(recurse=False)):
            continue
        calls = watch.seen[name].calls if name in watch.seen else 0
        kind = type(part).__name__
        if calls > 1:
            reasons[name] = f"{kind} runs {calls} times, so it has no one value of z"
        elif name in watch.kinds:
            reasons[name] = f"{kind} was not called"
        else:
            reasons[name] = f"{kind} is no linear map that interp knows"
    return reasons


# --------------------------------------------------------------------------- watching one run


class _Watch(TorchFunctionMode):
    """Follows each linear map's output until an activation, or anything else, uses it."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        names = {part: name for name, part in module.named_modules()}
        self.kinds = {names[part]: kind for part in names if (kind := node_kind(part))}
        self.seen: dict[str, Tapped] = {}
        self.carries: dict[int, str] = {}  # id of a tensor -> the layer whose nodes it carries
        self.alive: list[Tensor] = []  # keeps ids from being used again
        self._hooks = ExitStack()
        for part, name in names.items():
            if name in self.kinds or isinstance(part, NORMS):
                handle = part.register_forward_hook(self._after_module(name))
                self._hooks.callback(handle.remove)

    def __exit__(self, *error: Any) -> None:
        self._hooks.close()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def _after_module(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if name in self.kinds:
                calls = self.seen[name].calls + 1 if name in self.seen else 1
                self.seen[name] = Tapped(name, part, self.kinds[name], name, calls)
                self._carry(output, name)
            elif (layer := self.carries.get(id(output))) and not self.seen[layer].trail:
                self.seen[layer] = self.seen[layer]._replace(tap=name)

        return hook

    def _carry(self, tensor: Any, layer: str) -> None:
        self.carries[id(tensor)] = layer
        self.alive.append(tensor)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        layer = next((layer for value in args if (layer := self.carries.get(id(value)))), None)
        result = func(*args, **(kwargs or {}))
        if layer is not None and isinstance(result, Tensor):  # shape queries are no use of the nodes
            self._follow(layer, getattr(func, "__name__", "").strip("_"), result)
        return result

    def _follow(self, layer: str, function: str, result: Tensor) -> None:
        seen = self.seen[layer]
        if function not in KEEPS_NODES:
            self.seen[layer] = seen._replace(trail=(*seen.trail, function))
        if function in KEEPS_NODES or function == "neg" or function in OUTPUTS or activation_name(function):
            self._carry(result, layer)


CUSTOM_STARTS = {"mul", "div", "pow", "square", "sub", "clamp", "exp", "sin", "where", "maximum", "minimum"}
"""Arithmetic on z: an activation written by hand. A sum is more often a residual connection."""


def node_kind(module: nn.Module) -> str | None:
    """Name the kind of a module's nodes, subclasses included; None if it has none."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(module).__mro__)
    return next((NODE_KINDS[name] for name in names if name in NODE_KINDS), None)


# --------------------------------------------------------------------------- values of nodes


def rows_of_nodes(output: Tensor, kind: str) -> Tensor:
    """Lay a layer's output out as (rows, N): one row a sample, or a sample's position.

    Convolutions (B, N, H, W) and (B, N, L) give B*H*W rows, position running fastest; linear maps
    over sequences (B, T, N) give B*T rows.
    """
    if kind.startswith("conv"):
        output = output.flatten(2).transpose(1, 2)
    return output.reshape(-1, output.shape[-1])


def affine_map(module: nn.Module, layer: NodeLayer) -> tuple[Array, Array] | None:
    """Give w (N, D) and b (N,) in float64 with batch-norm folded in; None for a distance layer.

    z = w.x + b holds for the module in eval mode (DESIGN section 4).
    """
    part = module.get_submodule(layer.name)
    if layer.kind == "offset-l2":
        return None
    weight = _whole_patch(node_weight(part, layer.kind).double().flatten(1).cpu(), _groups(part))
    bias = getattr(part, "bias", None)
    offset = torch.zeros(len(weight), dtype=torch.float64) if bias is None else bias.detach().double().cpu()
    if layer.tap != layer.name:
        scale, shift = _norm_map(module.get_submodule(layer.tap))
        weight, offset = weight * scale[:, None], offset * scale + shift
    return np.asarray(weight), np.asarray(offset)


def _whole_patch(weight: Tensor, groups: int) -> Tensor:
    """Put 0 where a grouped convolution's node reads nothing: (N, D / groups) -> (N, D)."""
    whole = weight.new_zeros(groups, len(weight) // groups, groups, weight.shape[1])
    for group, part in enumerate(weight.reshape(groups, -1, weight.shape[1])):
        whole[group, :, group] = part
    return whole.reshape(len(weight), -1)


def _norm_map(norm: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(norm, NORMS)
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None
    assert var is not None
    scale = 1 / torch.sqrt(var.double().cpu() + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.detach().double().cpu()
    shift = -mean.double().cpu() * scale
    return scale, shift + (norm.bias.detach().double().cpu() if norm.affine else 0)

"""Activations of a network's layers with their own parameters.

`interp.network.activations` has functions by name, with their default parameters. A network's LeakyReLU may have
another slope, and its PReLU has learned ones: the calls of one run are kept with all their arguments, and repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from interp.network.activations import ACTIVATIONS, SEEN_ONLY, activation_name
from interp.network.nodes import rows_of_nodes
from interp.network.tracing.calls import place_of
from interp.network.tracing.uses import KEEPS_NODES
from interp.types import NodeLayer

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class _Call:
    """One recorded call: a function of the tensor `read` and of other arguments, which may write into that tensor."""

    func: Callable[..., Any]
    read: Tensor
    rest: tuple[Any, ...]
    named: dict[str, Any]
    result: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Repeat the call on other values, which it does not change."""
        named = {**self.named, "inplace": False} if self.named.get("inplace") else self.named
        is_in_place = self.result is self.read
        result: Tensor = self.func(values.clone() if is_in_place else values, *self.rest, **named)
        return result


class _Calls(TorchFunctionMode):
    """Records the calls that may be between the pre-activations of nodes and their outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[_Call] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if _known(func) and args and isinstance(args[0], Tensor) and isinstance(result, Tensor):
            self.seen.append(_Call(func, args[0], args[1:], kwargs, result))
        return result


def _name(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", "").strip("_")


def _known(func: Callable[..., Any]) -> bool:
    return _name(func) in KEEPS_NODES or activation_name(_name(func)) is not None


def output_functions(module: nn.Module, layers: Sequence[NodeLayer], example: Tensor) -> dict[str, Function]:
    """Give the activation of each layer, as a function of rows of pre-activations.

    Parameters
    ----------
    module
        Network that the layers are part of.
    layers
        Layers whose activations are wanted.
    example
        A few samples as the module takes them; it runs on them once.

    Returns
    -------
    dict
        Layer name -> function of z (R, N) that gives outputs (R, N); the identity where `interp` does not know the
        layer's activation.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(0.5))
    >>> layer = NodeLayer("0", "linear", 3, 2, "leaky_relu", "0")
    >>> output_functions(network, [layer], torch.ones(1, 2))["0"](torch.tensor([[-2.0, 0.0, 2.0]]))
    tensor([[-1.,  0.,  2.]])
    """
    z: dict[str, Tensor] = {}
    calls = _Calls()
    with ExitStack() as stack, torch.no_grad(), calls:
        for layer in layers:

            def keep(part: nn.Module, inputs: Any, output: Tensor, name: str = layer.name) -> None:
                z[name] = output

            place = place_of(module, layer.tap)
            if isinstance(place, nn.Module):  # activations after functional calls keep the default parameters
                stack.callback(place.register_forward_hook(keep).remove)
        module(example)
    return {layer.name: _function(layer, z.get(layer.name), calls.seen) for layer in layers}


def _function(layer: NodeLayer, z: Tensor | None, calls: Sequence[_Call]) -> Function:
    if layer.activation == "identity":
        return ACTIVATIONS["identity"]
    call = None if z is None else _activation_of(z, calls)
    if call is not None and _acts_on_rows(call, layer):
        return call
    return {**ACTIVATIONS, **SEEN_ONLY}.get(layer.activation, ACTIVATIONS["identity"])


def _activation_of(z: Tensor, calls: Sequence[_Call]) -> _Call | None:
    """Find the first activation that is applied to z, or to a result that has the same nodes."""
    carried = {id(z)}
    for call in calls:
        if id(call.read) not in carried:
            continue
        if activation_name(_name(call.func)) is not None:
            return call
        carried.add(id(call.result))
    return None


def _acts_on_rows(call: _Call, layer: NodeLayer) -> bool:
    """Tell whether the call gives the same for rows of nodes as for the whole tensor."""
    shape = call.read.shape
    whole = torch.linspace(-9, 9, shape.numel(), dtype=call.read.dtype, device=call.read.device).view(shape)
    try:
        return torch.equal(rows_of_nodes(call(whole), layer.kind), call(rows_of_nodes(whole, layer.kind)))
    except (RuntimeError, IndexError, TypeError):  # parameters of another shape than rows have
        return False

"""What a network applies to the values of its nodes, with the parameters that it has there.

`interp.network.activations` knows functions by name, with their default parameters. A network's LeakyReLU may have
another slope, and its PReLU has learned ones: the calls of one run are kept with all their arguments, to be made again.
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
    """One call that was seen: a function of the tensor `read`, and what else it was given."""

    func: Callable[..., Any]
    read: Tensor
    rest: tuple[Any, ...]
    named: dict[str, Any]
    result: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Call it again, on values that stay what they are."""
        named = {**self.named, "inplace": False} if self.named.get("inplace") else self.named
        result: Tensor = self.func(values.clone(), *self.rest, **named)
        return result


class _Calls(TorchFunctionMode):
    """Keeps the calls that may lie between the values of nodes and their outputs."""

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
    """Give what turns each layer's z into its outputs, row by row.

    Parameters
    ----------
    layers
        Of the module.
    example
        A few samples as the module takes them; it runs on them once.

    Returns
    -------
    dict
        Layer name -> function of rows of z, (R, N) -> (R, N). Of a layer whose activation is none that `interp` knows,
        z itself.
    """
    z: dict[str, Tensor] = {}
    calls = _Calls()
    with ExitStack() as stack, torch.no_grad(), calls:
        for layer in layers:

            def keep(part: nn.Module, inputs: Any, output: Tensor, name: str = layer.name) -> None:
                z[name] = output

            place = place_of(module, layer.tap)
            if isinstance(place, nn.Module):  # of other calls the parameters stay the default ones
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
    """Find the first activation of z, or of what keeps its nodes."""
    carried = {id(z)}
    for call in calls:
        if id(call.read) not in carried:
            continue
        if activation_name(_name(call.func)) is not None:
            return call
        carried.add(id(call.result))
    return None


def _acts_on_rows(call: _Call, layer: NodeLayer) -> bool:
    """Whether the call does the same to rows of nodes as it does to the whole tensor."""
    shape = call.read.shape
    whole = torch.linspace(-9, 9, shape.numel(), dtype=call.read.dtype, device=call.read.device).view(shape)
    try:
        return torch.equal(rows_of_nodes(call(whole), layer.kind), call(rows_of_nodes(whole, layer.kind)))
    except (RuntimeError, IndexError, TypeError):  # parameters of another shape than rows have
        return False

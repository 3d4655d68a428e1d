"""What a layer's nodes read: inputs and weights, taken from the call that the network makes.

So they are right also for weights that are standardised in each call, padding that depends on the input's size, and
linear maps that are called as functions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from interp.network.kinds import kind_named, node_kind, node_weight
from interp.network.layouts import in_time
from interp.network.maps.windows import Read, windows_of
from interp.network.recurrent.running import is_elsewhere, read_at_steps
from interp.network.recurrent.sites import OneStep
from interp.network.tracing.calls import Call, Seer, call_of, function_name, place_of
from interp.network.tracing.offloaded import has_hooks, puts_away, with_values
from interp.types import NodeLayer


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
        return windows_of(reached.call, layer, len(inputs))
    assert capture.steps, f"{layer.name} was not called"
    if not layer.is_stepwise:
        return windows_of(capture.steps[0], layer, len(inputs))
    every = in_time([call.arguments["input"] for call in capture.steps], layer)
    return windows_of(Call("linear", {**capture.steps[0].arguments, "input": every}), layer, len(inputs))


def _read_at_steps(module: nn.Module, part: OneStep, layer: NodeLayer, inputs: Tensor) -> Read:
    """Run a network and give what a part of a cell of ours reads, which shows without looking at each function."""
    assert isinstance(part, nn.Module)
    steps = read_at_steps(module, part, inputs)
    assert steps, f"{layer.name} was not called"
    bias = part.bias if isinstance(part, nn.Linear) else None
    weight = node_weight(part, kind_named(layer.kind))
    return windows_of(
        Call("linear", {"input": in_time(steps, layer), "weight": weight, "bias": bias}), layer, len(inputs)
    )


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

"""Context managers that read and change the tensors of a network; hooks are always removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

from torch import Tensor, nn

from interp.network.activations import activation_name
from interp.network.layouts import Take, as_it_was, in_time, samples_first
from interp.network.recurrent.sites import OneStep
from interp.network.tracing.calls import Seer, call_of, function_name, place_of
from interp.network.tracing.offloaded import has_hooks, puts_away
from interp.network.tracing.uses import KEEPS_NODES
from interp.types import NodeLayer

Change = Callable[[Tensor], Tensor]

WITHOUT_OUTPUT = ("identity", "custom")
"""Activations whose output cannot be recognised while the network runs: z is edited in its place."""


class _AllSeen(BaseException):
    """Ends a run of the network when all layers that are read have run."""


def _all(layer: NodeLayer, z: Tensor) -> Tensor:
    """Keep all values."""
    return z.clone()


@contextmanager
def tap(
    module: nn.Module, layers: Iterable[NodeLayer], to_end: bool = True, take: Take = _all
) -> Iterator[dict[str, Tensor]]:
    """Collect the pre-activations of some layers while the network runs.

    Parameters
    ----------
    module
        Network that the layers are part of.
    layers
        Layers to read.
    to_end
        Whether the network runs to its end. Else its run, and the ``with`` block, end as soon as all layers have a
        value, wherever that can be told and done: not of layers that run a time step at a time, nor in networks with
        parts that must come to their end.
    take
        Function of a layer and its z, samples on axis 0, that gives a copy of what is kept of it, since an in-place
        activation may overwrite z: of a large map a few positions cost far less than all. All is kept by default.

    Yields
    ------
    dict
        Layer name -> what is kept of its latest z; of a layer that runs a time step at a time z has all steps,
        (B, T, N).

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with tap(network, [NodeLayer("0", "linear", 3, 2, "relu", "0")]) as z:
    ...     _ = network(torch.ones(5, 2))
    >>> z["0"].shape
    torch.Size([5, 3])
    """
    values: dict[str, Tensor] = {}
    layers = list(layers)
    stops = not to_end and bool(layers) and can_stop(module, layers)
    with _batch_size(module, layers) as batch, _each_run(module, layers, values, take) as calls:

        def keep(layer: NodeLayer) -> Change:
            def change(z: Tensor) -> Tensor:
                seen = samples_first(z.detach(), layer, batch())
                if layer.is_stepwise:
                    calls[layer.name].append(seen.clone())
                else:
                    values[layer.name] = take(layer, seen)
                    if stops and len(values) == len(layers):
                        raise _AllSeen
                return z

            return change

        with _changed(module, {layer.tap: keep(layer) for layer in layers}), suppress(_AllSeen):
            yield values


def can_stop(module: nn.Module, layers: Iterable[NodeLayer]) -> bool:
    """Tell whether a run of a network may end at the last of some layers.

    Parameters
    ----------
    module
        Network that the layers are part of.
    layers
        Layers that are read.

    Returns
    -------
    bool
        False where a layer runs a time step at a time, so that the last step cannot be told; and where parts would be
        left that put their parameters away when they have run, as accelerate lets them: those that hold others, and
        all where a layer is called as a function.

    Examples
    --------
    >>> can_stop(nn.Linear(2, 3), [NodeLayer("", "linear", 3, 2, "identity", "")])
    True
    """
    layers = list(layers)
    is_inside = any(isinstance(place_of(module, layer.tap), Tensor) for layer in layers)
    left = [part for part in module.modules() if is_inside or next(part.children(), None) is not None]
    return not any(layer.is_stepwise for layer in layers) and not any(map(puts_away, left))


@contextmanager
def edit(
    module: nn.Module, layer: NodeLayer, before: Change | None = None, after: Change | None = None
) -> Iterator[None]:
    """Replace a layer's values while the network runs.

    Parameters
    ----------
    module
        Network that the layer is part of.
    layer
        Layer whose values are replaced.
    before
        Function of z, samples on axis 0, that gives the new z; None leaves z as it is. A layer that runs a time step at
        a time is changed at every step, and the function sees one step's values (B, N).
    after
        Function of the activation's output that gives the new output; None leaves it as it is. A layer without
        activation, or with one that `interp` does not know, is changed at z.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with edit(network, NodeLayer("0", "linear", 3, 2, "relu", "0"), after=torch.zeros_like):
    ...     network(torch.ones(1, 2))
    tensor([[0., 0., 0.]])
    """
    with ExitStack() as stack:
        batch = stack.enter_context(_batch_size(module, [layer]))

        def laid_out(change: Change, values: Tensor) -> Tensor:
            if layer.layout == "samples" or layer.is_stepwise:
                return change(values)
            return as_it_was(change(samples_first(values, layer, batch())), layer, values.shape)

        mode, place = None, place_of(module, layer.tap)
        in_cell = isinstance(place, OneStep) and place.function is not None
        if after is not None and in_cell:
            assert isinstance(place, OneStep)
            stack.enter_context(place.changed(after))
        elif after is not None and layer.activation not in WITHOUT_OUTPUT:
            mode = stack.enter_context(_AfterActivation(partial(laid_out, after)))

        def at_z(z: Tensor) -> Tensor:
            z = z if before is None else laid_out(before, z)
            if mode is not None:
                mode.target = z
            elif after is not None and not in_cell:
                z = laid_out(after, z)
            return z

        stack.enter_context(_changed(module, {layer.tap: at_z}))
        yield


# --------------------------------------------------------------------------- modules and calls


@contextmanager
def _changed(module: nn.Module, changes: Mapping[str, Change]) -> Iterator[None]:
    """Replace the outputs of modules, and the results of calls that tensors mark."""
    calls: dict[str, Change] = {}
    with ExitStack() as stack:
        for tap, change in changes.items():
            place = place_of(module, tap)
            if isinstance(place, nn.Module):
                stack.callback(place.register_forward_hook(_hook(change)).remove)
            else:
                calls[tap] = change
        if calls:
            stack.enter_context(_AtCalls(module, calls))
        yield


def _hook(change: Change) -> Callable[..., Tensor]:
    return lambda part, inputs, output: change(output)


class _AtCalls(Seer):
    """Changes the results of the linear maps and norms that are called with certain tensors."""

    def __init__(self, module: nn.Module, changes: Mapping[str, Change]) -> None:
        super().__init__()
        is_loaded = has_hooks(module)
        self.changes = {} if is_loaded else {id(place_of(module, tap)): change for tap, change in changes.items()}
        self.loaded = changes if is_loaded else {}  # tensors that are others in each pass, known by name
        self.module = module

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function."""
        result = func(*args, **kwargs)
        made = call_of(function_name(func), args, kwargs)
        change = None if made is None else self._change(made.key)
        return result if change is None else change(result)

    def _change(self, key: Any) -> Change | None:
        """Give the change that is wanted at a call with a tensor."""
        now = (change for tap, change in self.loaded.items() if place_of(self.module, tap) is key)
        return next(now, self.changes.get(id(key)))


class _AfterActivation(Seer):
    """Changes the result of the first activation that is applied to `target`."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change
        self.target: Tensor | None = None

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function."""
        is_target = self.target is not None and bool(args) and args[0] is self.target
        result = func(*args, **kwargs)
        if not is_target:
            return result
        name = function_name(func)
        if activation_name(name) is not None:
            self.target = None
            return self.change(result)
        if name in KEEPS_NODES:
            self.target = result
        return result


@contextmanager
def _each_run(
    module: nn.Module, layers: Sequence[NodeLayer], values: dict[str, Tensor], take: Take
) -> Iterator[dict[str, list[Tensor]]]:
    """Collect the values of all time steps of one run of the network, and put what is kept into `values` at its end."""
    stepwise = [layer for layer in layers if layer.is_stepwise]
    calls: dict[str, list[Tensor]] = {layer.name: [] for layer in stepwise}

    def begin(part: nn.Module, args: tuple[Any, ...]) -> None:
        for own in calls.values():
            own.clear()

    def end(part: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        for layer in stepwise:
            if own := calls[layer.name]:
                values[layer.name] = take(layer, in_time(own, layer))
        begin(part, args)

    with ExitStack() as stack:
        if stepwise:
            stack.callback(module.register_forward_pre_hook(begin).remove)
            stack.callback(module.register_forward_hook(end).remove)
        yield calls


@contextmanager
def _batch_size(module: nn.Module, layers: Sequence[NodeLayer]) -> Iterator[Callable[[], int]]:
    """Count the samples that the network is running on, where a layer's values do not show it."""
    seen = [0]

    def look(part: nn.Module, args: tuple[Any, ...]) -> None:
        seen[:] = [len(args[0])]

    with ExitStack() as stack:
        if any(layer.layout != "samples" and not layer.is_stepwise for layer in layers):
            stack.callback(module.register_forward_pre_hook(look).remove)
        yield lambda: seen[0]

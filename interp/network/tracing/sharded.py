"""Networks whose weights torch's FSDP has divided over processes: a plain network that gathers them part by part.

Its parameters are on torch's device ``meta``, and hooks of the same form as accelerate's say where their values are, so
that all that is made for weights which lie elsewhere serves it; see `interp.network.tracing.offloaded`. Of
`fully_shard` alone: `FullyShardedDataParallel` keeps the weights of a part as one flat tensor without their shapes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial, update_wrapper
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn

Gather = Callable[[Sequence[str]], Sequence[Tensor]]
"""Dotted names of parameters -> their whole values, of all processes."""


def is_sharded(module: nn.Module) -> bool:
    """Tell whether torch's FSDP, of either version, has divided a network's weights over processes.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> is_sharded(nn.Linear(2, 3))
    False
    """
    return bool(_bases(module) & {"FSDPModule", "FullyShardedDataParallel"})


def can_gather(module: nn.Module) -> bool:
    """Tell whether a network's weights are divided over processes by `fully_shard`, each by itself.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> can_gather(nn.Linear(2, 3))
    False
    """
    bases = _bases(module)
    return "FSDPModule" in bases and "FullyShardedDataParallel" not in bases


def divided(module: nn.Module) -> dict[str, Any]:
    """Give the parameters that are divided over processes, each process's share of them.

    Parameters
    ----------
    module
        Network, which no process runs at the time; parts that a pass left whole are divided again.

    Returns
    -------
    dict
        Dotted name -> parameter, a `DTensor`; one that has several names stands under each.

    Examples
    --------
    >>> divided(nn.Linear(2, 3))
    {}
    """
    for part in filter(_is_wrapped, module.modules()):
        part.reshard()  # type: ignore[operator]  # a method of FSDPModule
    named = module.named_parameters(remove_duplicate=False)
    return {name: parameter for name, parameter in named if hasattr(parameter, "full_tensor")}


def gathering(module: nn.Module, gather: Gather) -> nn.Module:
    """Make a plain network that runs with another's weights, of which it holds those of the units that are run.

    A unit is what one call of `fully_shard` divided: a part of the network without the units inside it. Its parameters
    are whole while it runs, as they are in a pass of FSDP, whichever module or function in it reads them.

    Parameters
    ----------
    module
        Network with weights that `fully_shard` divided; it is left as it is, and shares its buffers, and parameters
        that are not divided, with the new one.
    gather
        Function that gives the whole values of parameters; called for each pass through the unit that holds them.

    Returns
    -------
    nn.Module
        Network of the classes from before `fully_shard`, without FSDP's hooks.

    Examples
    --------
    >>> gathering(nn.Linear(2, 3), lambda names: [torch.zeros(1)])
    Linear(in_features=2, out_features=3, bias=True)
    """
    elsewhere = divided(module)
    made = _plain_copy(module, {id(parameter): _empty(parameter) for parameter in elsewhere.values()})
    device, lock = next((parameter.device for parameter in elsewhere.values()), torch.device("cpu")), RLock()
    units = {path for path, part in module.named_modules(remove_duplicate=False) if _is_wrapped(part)}
    unit_of = {name: _unit(name.rpartition(".")[0], units) for name in elsewhere}
    for path, part in made.named_modules():
        held = {name: f"{path}.{name}".lstrip(".") for name, _ in part.named_parameters(remove_duplicate=False)}
        names = {
            name: whole for name, whole in held.items() if whole in unit_of and unit_of[whole] == _unit(path, units)
        }
        if names:  # modules inside a unit are at times run by themselves: the steps of a chain
            _attach(part, _Hook(_Values(names, gather), device, lock))
    return made


def _unit(path: str, units: Collection[str]) -> str | None:
    """Give the path of the unit that a module is part of; None outside of all."""
    while path not in units and path:
        path = path.rpartition(".")[0]
    return path if path in units else None


def _bases(module: nn.Module) -> set[str]:
    return {base.__name__ for part in module.modules() for base in type(part).__mro__}


def _is_wrapped(part: nn.Module) -> bool:
    return any(base.__name__ == "FSDPModule" for base in type(part).__mro__)


def _empty(parameter: Tensor) -> nn.Parameter:
    """Make a parameter of the same shape and type without values."""
    values = torch.empty(tuple(parameter.shape), dtype=parameter.dtype, device="meta")
    return nn.Parameter(values, requires_grad=parameter.requires_grad)


def _plain_copy(module: nn.Module, known: dict[int, Any]) -> nn.Module:
    """Copy a network as it was before `fully_shard`, which forbids to copy what it made, with other parameters."""
    memo = {id(value): value for value in (*module.parameters(), *module.buffers())} | known
    wrapped = [part for part in module.modules() if _is_wrapped(part)]
    for part in wrapped:
        plain: Any = type(part).__bases__[-1]  # what fully_shard made has two: its own, and the class from before
        memo[id(part)] = plain.__new__(plain)
    for part in wrapped:
        memo[id(part)].__dict__.update(copy.deepcopy(_own_state(part), memo))
    return copy.deepcopy(module, memo)


def _own_state(part: nn.Module) -> dict[str, Any]:
    """Give what a module holds, without what FSDP put there."""
    held = {name: value for name, value in part.__dict__.items() if not name.startswith("__composable_api")}
    for name in ("_forward_pre_hooks", "_forward_hooks"):
        hooks = held[name].items()
        held[name] = type(held[name])((key, hook) for key, hook in hooks if not _is_of_torch(hook))
    return held


def _is_of_torch(hook: object) -> bool:
    return str(getattr(hook, "__module__", "")).startswith("torch.distributed")


class _Values(Mapping[str, Tensor]):
    """Values of a part's parameters by their names in it, gathered when they are asked for."""

    def __init__(self, names: Mapping[str, str], gather: Gather) -> None:
        self._names, self._gather = names, gather

    def __getitem__(self, name: str) -> Tensor:
        return self.of([name])[0]

    def of(self, names: Sequence[str]) -> Sequence[Tensor]:
        """Gather several at once."""
        return self._gather([self._names[name] for name in names])

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without a look at the value

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Hook:
    """What a part knows of its parameters, under the names that accelerate's hooks have; shared by the part's copies.

    Attributes
    ----------
    weights_map
        Name in the part of a parameter of its unit -> value.
    execution_device
        Device on which the part runs.
    lock
        Lock of the whole network, held while a part of it has values: others may run it at the same time.
    """

    def __init__(self, weights_map: _Values, execution_device: torch.device, lock: Any) -> None:
        self.weights_map, self.execution_device, self.lock = weights_map, execution_device, lock

    def __deepcopy__(self, memo: object) -> _Hook:
        return self


def _attach(part: nn.Module, hook: _Hook) -> None:
    """Have a part gather its parameters whenever it runs."""
    held: Any = part
    held._hf_hook, held._old_forward = hook, part.forward
    held.forward = update_wrapper(partial(_run, part), held._old_forward)


def _run(part: Any, *args: Any, **kwargs: Any) -> Any:
    """Run a part with the values of its unit's parameters, and let go of them."""
    with part._hf_hook.lock, _loaded(part, part._hf_hook.weights_map):
        return part._old_forward(*args, **kwargs)


@contextmanager
def _loaded(part: nn.Module, values: _Values) -> Iterator[None]:
    """Give a part values of parameters that have none so far; one with several names stays one."""
    held = part.named_parameters(remove_duplicate=False)
    empty = {name: kept for name, kept in held if kept.is_meta and name in values}
    first = {id(kept): name for name, kept in reversed(empty.items())}
    found = dict(zip(first, values.of([*first.values()]) if first else (), strict=True))
    made = {
        key: nn.Parameter(found.pop(key).to(empty[name].dtype), requires_grad=empty[name].requires_grad)
        for key, name in first.items()
    }
    try:
        for name, kept in empty.items():
            _put(part, name, made[id(kept)])
        yield
    finally:
        for name, kept in empty.items():
            _put(part, name, kept)


def _put(part: nn.Module, name: str, parameter: nn.Parameter) -> None:
    path, _, own = name.rpartition(".")
    setattr(part.get_submodule(path), own, parameter)

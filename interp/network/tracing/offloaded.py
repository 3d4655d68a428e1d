"""Parameters that a network does not hold itself: accelerate keeps them elsewhere, and loads a part's when it runs.

Such a parameter is on torch's device ``meta``; the part's hook knows where its values are, and where they are to run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def with_values(module: nn.Module, name: str, tensor: Tensor) -> Tensor:
    """Give a parameter or buffer with its values, read from where they are kept if the network does not hold them.

    Parameters
    ----------
    module
        Network that the tensor is part of.
    name
        Dotted name of the tensor.
    tensor
        Tensor as the network has it.

    Returns
    -------
    Tensor
        Tensor itself where it has values, or where nothing is known of them; else a new one.

    Examples
    --------
    >>> layer = nn.Linear(2, 3)
    >>> with_values(layer, "weight", layer.weight) is layer.weight
    True
    """
    if not tensor.is_meta:
        return tensor
    words = name.split(".")
    for count in range(len(words) - 1, -1, -1):  # the part's own hook, or that of a part which loads all that it holds
        own = ".".join(words[count:])
        for hook in hooks_of(module.get_submodule(".".join(words[:count]))):
            kept = getattr(hook, "weights_map", None)
            if kept is not None and own in kept:
                return torch.as_tensor(kept[own])
    return tensor


def copy_with_values(module: Network) -> Network:
    """Copy a network, with values that are kept elsewhere: what changes weights needs them, and its own.

    Parameters
    ----------
    module
        Network, whose weights fit in memory.

    Returns
    -------
    nn.Module
        Copy. Where parameters were elsewhere it holds them all, on the device that they run on, and has no hooks.

    Examples
    --------
    >>> copy_with_values(nn.Linear(2, 3))
    Linear(in_features=2, out_features=3, bias=True)
    """
    made = copy.deepcopy(module)
    if any(one.is_meta for one in made.parameters()):
        _settle(made, "")
    return made


def settle(module: nn.Module, part: nn.Module) -> None:
    """Have a part of a network hold its parameters from now on, with their values; in place.

    Where a part that holds others loads them together, as accelerate's ``preload_module_classes`` has it, all of that
    part comes to hold its own.

    Parameters
    ----------
    module
        Network that the part belongs to.
    part
        Part of the network, whose weights fit in memory.

    Examples
    --------
    >>> layer = nn.Linear(2, 3)
    >>> settle(nn.Sequential(layer), layer)
    """
    if not any(one.is_meta for one in part.parameters()):
        return
    around = [(path, one) for path, one in module.named_modules() if any(inner is part for inner in one.modules())]
    path = next((path for path, one in around if loads_parts(one)), around[-1][0])
    _settle(module, path)


def _settle(module: nn.Module, path: str) -> None:
    """Give what lies at a path in a network the values of its parameters, and take its hooks away."""
    settled, held = module.get_submodule(path), dict[int, nn.Parameter]()
    device = running_device(settled)
    for name, one in settled.named_parameters(remove_duplicate=False):
        if not one.is_meta:
            continue
        if id(one) not in held:
            there = with_values(module, f"{path}.{name}".lstrip("."), one)
            values = there.detach().to(device=device, dtype=one.dtype, copy=True)
            held[id(one)] = nn.Parameter(values, requires_grad=one.requires_grad)
        owner, _, own = name.rpartition(".")
        setattr(settled.get_submodule(owner), own, held[id(one)])
    for part in settled.modules():
        _unhook(part)
    settled.to(device)


def loads_parts(part: nn.Module) -> bool:
    """Tell whether a part loads what the parts in it hold, which then cannot be run without it.

    Parameters
    ----------
    part
        Part of a network.

    Examples
    --------
    >>> loads_parts(nn.Sequential(nn.Linear(2, 3)))
    False
    """
    return any(getattr(hook, "place_submodules", False) for hook in hooks_of(part)) and any(
        True for _ in part.children()
    )


def running_device(module: nn.Module) -> torch.device | None:
    """Give the device on which the first part runs whose parameters are kept elsewhere; None where there is none.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> running_device(nn.Linear(2, 3)) is None
    True
    """
    devices = (getattr(hook, "execution_device", None) for part in module.modules() for hook in hooks_of(part))
    found = next((device for device in devices if device is not None), None)
    return None if found is None else torch.device(found)


def name_now(module: nn.Module, tensor: Tensor) -> str | None:
    """Find the name under which a network holds a tensor at this moment: those loaded for a pass are others each time.

    Parameters
    ----------
    module
        Network, which may be running.
    tensor
        Any tensor.

    Returns
    -------
    str or None
        Dotted name of the parameter or buffer; None where the tensor is neither.

    Examples
    --------
    >>> layer = nn.Linear(2, 3)
    >>> name_now(layer, layer.bias), name_now(layer, torch.zeros(3))
    ('bias', None)
    """
    held = chain(module.named_parameters(), module.named_buffers())
    return next((name for name, one in held if one is tensor), None)


def puts_away(part: nn.Module) -> bool:
    """Tell whether a part does something with its parameters when it has run, and so must come to its end.

    Parameters
    ----------
    part
        Part of a network.

    Examples
    --------
    >>> puts_away(nn.Linear(2, 3))
    False
    """
    return any(getattr(hook, "place_submodules", False) or getattr(hook, "offload", False) for hook in hooks_of(part))


def has_hooks(module: nn.Module) -> bool:
    """Tell whether any part of a network has a hook of accelerate, so that its parameters may change from pass to pass.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> has_hooks(nn.Linear(2, 3))
    False
    """
    return any(True for part in module.modules() for _ in hooks_of(part))


def hooks_of(part: nn.Module) -> Iterator[object]:
    """Yield the hooks of accelerate on one part of a network.

    Parameters
    ----------
    part
        Part of a network.

    Examples
    --------
    >>> list(hooks_of(nn.Linear(2, 3)))
    []
    """
    hook = getattr(part, "_hf_hook", None)
    if hook is not None:
        yield from getattr(hook, "hooks", (hook,))


def _unhook(part: nn.Module) -> None:
    """Have a part run as before it had a hook."""
    held = part.__dict__
    if held.pop("_hf_hook", None) is None:
        return
    before = held.pop("_old_forward")
    held.pop("forward")
    if getattr(before, "__func__", None) is not type(part).forward:
        held["forward"] = before  # somebody had replaced it

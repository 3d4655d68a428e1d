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
    elsewhere = [(name, one) for name, one in made.named_parameters(remove_duplicate=False) if one.is_meta]
    if not elsewhere:
        return made
    device, held = running_device(made), {}
    for name, one in elsewhere:
        if id(one) not in held:
            values = with_values(made, name, one).detach().to(device=device, dtype=one.dtype, copy=True)
            held[id(one)] = nn.Parameter(values, requires_grad=one.requires_grad)
        path, _, own = name.rpartition(".")
        setattr(made.get_submodule(path), own, held[id(one)])
    for part in made.modules():
        _unhook(part)
    return made.to(device)


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

"""Copies of a network for threads of their own: the same weights, and modules on which others set no hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from queue import SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor, nn

from interp.network.quick.parts import make_quick
from interp.network.replay import is_known
from interp.network.tracing.calls import place_of
from interp.types import NodeLayer

Item = TypeVar("Item")
Place = TypeVar("Place")
Found = TypeVar("Found")

MOST = 4
"""Largest number of networks at once, copies and the original: the values of each are in memory."""

OURS = ("interp.network", "zoo")
"""Packages of our own modules, which keep nothing and start no threads."""


def can_copy(module: nn.Module) -> bool:
    """Whether all parts are from known packages, without hooks and on the processor, so that copies are independent.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> can_copy(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    True
    """
    return _is_plain(module) and all(is_known(part) for part in module.modules())


def can_run_in_a_fork(module: nn.Module) -> bool:
    """Whether a copy of this process can run a network: no other library's threads, and nothing that it would change.

    Parameters
    ----------
    module
        Any network.

    Examples
    --------
    >>> can_run_in_a_fork(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    True
    """
    ours = tuple(f"{name}." for name in OURS)
    return _is_plain(module) and all(
        is_known(part) or type(part).__module__.startswith(ours) for part in module.modules()
    )


def _is_plain(module: nn.Module) -> bool:
    """Whether a network is on the processor, and nobody looks on."""
    on_processor = all(value.device.type == "cpu" for value in (*module.parameters(), *module.buffers()))
    return on_processor and not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def copy_of(module: nn.Module) -> nn.Module:
    """Copy the modules of a network, whose parameters and buffers are those of the original.

    Parameters
    ----------
    module
        Network that `can_copy` allows.

    Examples
    --------
    >>> network = nn.Linear(2, 2)
    >>> copy_of(network).weight is network.weight
    True
    """
    shared = {id(value): value for value in (*module.parameters(), *module.buffers())}
    return deepcopy(module, shared)


def quick_copy_of(module: nn.Module, layers: Iterable[NodeLayer]) -> nn.Module:
    """Copy a network as `copy_of` does, with parts that give the same in less time; sums may be in another order.

    Parameters
    ----------
    module
        Network that `can_copy` allows.
    layers
        Layers that will be read or changed; where one is a call of a function, parts stay as they are, since quick ones
        call others.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1))
    >>> quick_copy_of(network, [])[0].weight is network[0].weight
    True
    """
    copy = copy_of(module)
    is_called = any(isinstance(place_of(module, layer.tap), Tensor) for layer in layers)
    return copy if is_called else make_quick(copy)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold torch to one thread in a block, so that last digits are those of one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def at_places(work: Callable[[Place, Item], Found], places: Sequence[Place], items: Iterable[Item]) -> list[Found]:
    """Give what some work makes of each item, in their order, at whichever place is free.

    Each place has a thread, without gradients and with one of torch's; `one_thread` holds for whoever calls this.

    Parameters
    ----------
    work
        Function of a place, which no other thread uses meanwhile, and an item.
    places
        Places to work at, such as copies of a network.
    items
        Items to work on.

    Examples
    --------
    >>> at_places(lambda place, item: item * item, ["here", "there"], range(4))
    [0, 1, 4, 9]
    """
    free: SimpleQueue[Place] = SimpleQueue()
    for place in places:
        free.put(place)

    @torch.no_grad()
    def one(item: Item) -> Found:
        place = free.get()
        try:
            return work(place, item)
        finally:
            free.put(place)

    if len(places) == 1:
        return [one(item) for item in items]
    with ThreadPoolExecutor(len(places), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(one, items))

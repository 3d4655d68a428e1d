"""Work of torch on several items at once: each in a thread of its own, rather than all threads on one small item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from interp.analysis.threads import drawn

Item = TypeVar("Item")
Found = TypeVar("Found")


def side_by_side(work: Callable[[Item], Found], items: Iterable[Item], threads: int | None = None) -> Iterator[Found]:
    """Yield what some work makes of each item, in the order of the items, several of which are worked on at once.

    Parameters
    ----------
    work
        Function of an item, which changes nothing that another item's needs; gradients are on in it, or off, as it
        says itself.
    items
        Items, drawn in this thread, one more than are worked on.
    threads
        Number of items that are worked on at once; None for as many as torch has threads.

    Examples
    --------
    >>> list(side_by_side(lambda item: item * item, range(4)))
    [0, 1, 4, 9]
    """
    threads = torch.get_num_threads() if threads is None else threads
    if threads == 1:
        yield from map(work, items)
        return
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from drawn(pool, work, items, threads)
    finally:
        torch.set_num_threads(before)  # libraries below torch count for the whole process

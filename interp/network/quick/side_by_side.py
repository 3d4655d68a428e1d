"""Work of torch on several items at once: each in a thread of its own, rather than all threads on one small item."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Found = TypeVar("Found")


def side_by_side(work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Yield what some work makes of each item, in the order of the items, as many at once as torch has threads.

    Parameters
    ----------
    work
        Function of an item, which changes nothing that another item's needs; gradients are on in it, or off, as it
        says itself.
    items
        Items, drawn in this thread, few more than are worked on.

    Examples
    --------
    >>> list(side_by_side(lambda item: item * item, range(4)))
    [0, 1, 4, 9]
    """
    threads = torch.get_num_threads()
    if threads == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Found]] = deque()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            try:
                for item in items:
                    waiting.append(pool.submit(work, item))
                    if len(waiting) > threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # the end of the block waits for those that run
                raise
    finally:
        torch.set_num_threads(threads)  # libraries below torch count for the whole process

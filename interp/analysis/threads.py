"""Work on several items at once: numpy and scipy let other threads run while they count.

Each thread counts alone: libraries below numpy, which would start threads of their own for every product and then wait
for each other, are held to one. So the last digits are those of one thread, too, whatever the number of threads. Torch
is not held here: `interp.run.recorded.each_layer` does so.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Found = TypeVar("Found")

MOST = 4
"""Largest number of threads: what they work on is in memory at once."""

_THIS = threading.local()


def processors() -> int:
    """Count the processors that this thread may use, `MOST` at most.

    It is one where the user asks for one thread, and in a thread of `in_order`: the others have work of their own.
    """
    if os.environ.get("OMP_NUM_THREADS") == "1" or getattr(_THIS, "is_worker", False):
        return 1
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(known, MOST)


def unthreaded() -> AbstractContextManager[object]:
    """Hold libraries below numpy to one thread, until the end of a block if it is used for one.

    Returns
    -------
    AbstractContextManager
        Context at whose end the libraries have the numbers of threads back that they had.

    Examples
    --------
    >>> with unthreaded():
    ...     print("one thread")
    one thread
    """
    limited: AbstractContextManager[object] = _libraries(len(sys.modules)).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Find the libraries that have threads, anew where more modules have been imported: it takes milliseconds."""
    return ThreadpoolController()


def in_order(work: Callable[[Item], Found], items: Iterable[Item], threads: int | None = None) -> Iterator[Found]:
    """Yield what some work makes of each item, in the order of the items, a few of which are worked on at once.

    Items are drawn in this thread, so that those of a random generator are the same whatever the number of threads.
    What is made of an item has the same last digits, too, since each is made by one thread alone.

    Parameters
    ----------
    work
        Function of an item, which changes nothing that another item's needs.
    items
        Items, drawn when a thread is free.
    threads
        Number of threads; None for that of the processors.

    Raises
    ------
    BaseException
        If the work on an item raises it, or Ctrl-C is pressed: items that are running end first, those that wait for
        a thread are not begun.

    Examples
    --------
    >>> list(in_order(str, range(3), threads=2))
    ['0', '1', '2']
    """
    threads = processors() if threads is None else threads
    if threads == 1:
        with unthreaded():
            yield from map(work, items)
        return
    with unthreaded(), ThreadPoolExecutor(threads, initializer=_alone) as pool:
        yield from drawn(pool, work, items, threads)


def drawn(
    pool: ThreadPoolExecutor, work: Callable[[Item], Found], items: Iterable[Item], threads: int
) -> Iterator[Found]:
    """Yield what the threads of a pool make of each item, in order; items are drawn as threads get free.

    Parameters
    ----------
    pool
        Threads that work; the caller ends it.
    work
        Function of an item.
    items
        Items, drawn in this thread, one more than are worked on.
    threads
        Number of threads of the pool.

    Raises
    ------
    BaseException
        If the work on an item raises it, or Ctrl-C is pressed: items that wait for a thread are not begun.

    Examples
    --------
    >>> with ThreadPoolExecutor(2) as pool:
    ...     list(drawn(pool, str, range(3), 2))
    ['0', '1', '2']
    """
    waiting: deque[Future[Found]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)  # the end of the pool's block waits for those that run
        raise


def _alone() -> None:
    """Hold libraries that ask each thread for its number of threads to one in a new thread."""
    _THIS.is_worker = True
    unthreaded()


def alone(work: Callable[[], Found]) -> Found:
    """Work as a thread of `in_order` does: without threads beside it, and without those of libraries below numpy.

    Parameters
    ----------
    work
        Function that is called once.

    Examples
    --------
    >>> alone(processors)
    1
    """
    before = getattr(_THIS, "is_worker", False)
    _THIS.is_worker = True
    try:
        with unthreaded():
            return work()
    finally:
        _THIS.is_worker = before

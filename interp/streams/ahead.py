"""Reading ahead: the next batch is read in a thread while the one before it is worked on."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Empty, Queue
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")

PATIENCE = 5.0
"""Longest time, in seconds, that a reader that was told to stop is waited for."""


class _End(NamedTuple):
    """What the reader says last: it is done, or has failed."""

    error: BaseException | None


def ahead(items: Iterable[Item], count: int = 1) -> Generator[Item, None, None]:
    """Yield items in order while a thread reads the next ones.

    Whatever ends the reading there is raised here, after the items before it. Where the loop over them ends early, by
    ``break``, an error or Ctrl-C, the reader is told to stop, and its iterator is closed.

    Parameters
    ----------
    items
        Items, which only the thread reads from now on.
    count
        Largest number of items that wait; one more may be under way.

    Yields
    ------
    object
        The items.

    Examples
    --------
    >>> list(ahead(range(3)))
    [0, 1, 2]
    """
    queue: Queue[Item | _End] = Queue(count)
    stopped = threading.Event()
    reader = threading.Thread(target=_read, args=(items, queue, stopped), name="interp-ahead", daemon=True)
    reader.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        _emptied(queue, reader)


def _read(items: Iterable[Item], queue: Queue[Item | _End], stopped: threading.Event) -> None:
    """Put items into a queue until they end, or nobody wants them any more."""
    error = None
    try:
        iterator = iter(items)
        try:
            for item in iterator:
                if not stopped.is_set():
                    queue.put(item)
                if stopped.is_set():
                    break
        finally:
            close = getattr(iterator, "close", None)
            if callable(close):
                close()
    except BaseException as problem:  # raised again where the items are used
        error = problem
    if not stopped.is_set():  # else nobody may take it, and the thread would wait for ever
        queue.put(_End(error))


def _emptied(queue: Queue[Item | _End], reader: threading.Thread) -> None:
    """Make room in a queue until its reader, which may wait for it, has ended; one that hangs is left behind."""
    end = time.monotonic() + PATIENCE
    while reader.is_alive() and time.monotonic() < end:
        with suppress(Empty):
            queue.get(timeout=0.01)

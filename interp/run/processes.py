"""Work on many items in this process and in processes forked from it, each of which runs on another processor.

Threads of Python wait for each other between short operations, and wherever plain Python is run, such as for drawing.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn, TypeVar

from interp.analysis.threads import processors
from interp.network.copies import one_thread

Item = TypeVar("Item")
Found = TypeVar("Found")

FEWEST = 6
"""Smallest number of items that are worth another process."""

PATIENCE = 10.0
"""Longest time to wait for another process's part, in times of one's own part and in seconds beside."""

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
"""Signals by which a user ends the program; a copy ends by them without a word."""

DEATH_SIGNAL = 1
"""Number by which Linux is asked for a signal at the parent's end, ``PR_SET_PDEATHSIG`` of ``prctl``."""

LONGEST = 120.0
"""Longest time to wait for another process's part in seconds, however long one's own took."""


def side_by_side(work: Callable[[Item], Found], items: Sequence[Item], processes: int = 2) -> list[Found]:
    """Give what some work makes of each item: a part is worked on here, the others in forked processes.

    What a process does not give, because it failed, was killed or does not end, is worked on here. With several, torch
    has one thread in each: the threads that it had are not there in a forked one, and it would wait for them.

    Parameters
    ----------
    work
        Function of an item whose result can be pickled, and does not depend on the items before.
    items
        Items, in the order of the results.
    processes
        Largest number of processes, this one among them.

    Returns
    -------
    list
        Results in the order of the items, the same whatever the number of processes.

    Examples
    --------
    >>> side_by_side(str.upper, ["a", "b", "c", "d", "e", "f"])
    ['A', 'B', 'C', 'D', 'E', 'F']
    """
    if len(items) < FEWEST or processes < 2 or not can_fork():
        return [work(item) for item in items]
    parts = [items[first::processes] for first in range(processes)]
    with one_thread(), ExitStack() as files:
        written = [files.enter_context(TemporaryFile()) for _ in parts[1:]]
        copies: list[int] = []
        try:
            for part, file in zip(parts[1:], written, strict=True):
                with _undisturbed():
                    copies.append(_fork(work, part, file))
            begun = time.monotonic()
            found = [[work(item) for item in parts[0]]]
            patience = min((time.monotonic() - begun) * PATIENCE + PATIENCE, LONGEST)
            for copy in copies:
                _wait(copy, patience)
        finally:
            for copy in copies:
                _end(copy)
        found += map(_read, written)
        for part, given in zip(parts, found, strict=True):
            given += [work(item) for item in part[len(given) :]]
    return [found[i % processes][i // processes] for i in range(len(items))]


def can_fork() -> bool:
    """Say whether a process may be forked: not where other threads run, whose locks the new one would wait for.

    Examples
    --------
    >>> can_fork() in (True, False)
    True
    """
    return sys.platform == "linux" and processors() > 1 and not _other_threads()


def _other_threads() -> list[threading.Thread]:
    """List the threads beside this one, but for that of tqdm, which none of the work here uses."""
    others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
    return [thread for thread in others if type(thread).__name__ != "TMonitor"]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let interrupts wait in a block: one that came in a copy would unwind the program there, a second time."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fork(work: Callable[[Item], Any], items: Sequence[Item], written: IO[bytes]) -> int:
    """Fork a process that writes its results into a file and ends; gives its number."""
    here, system = os.getpid(), ctypes.CDLL(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of threads, which `can_fork` has looked for
        copy = os.fork()
    if not copy:
        _copied(partial(_end_with, here, system), work, items, written)
    return copy


def _end_with(parent: int, system: ctypes.CDLL) -> None:
    """Have this process killed as its parent ends, whatever ends it: nobody would read what it makes."""
    system.prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os._exit(0)


def _copied(
    begin: Callable[[], None], work: Callable[[Item], Any], items: Sequence[Item], written: IO[bytes]
) -> NoReturn:
    """Work on items and end without a word, whatever happens; what waits to be printed is not printed twice."""
    try:
        begin()
        for number in INTERRUPTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        for item in items:
            pickle.dump(work(item), written)
            written.flush()
    finally:
        os._exit(0)


def _wait(copy: int, seconds: float) -> None:
    """Wait for the end of a process, for some time at most."""
    last = time.monotonic() + seconds
    while os.waitid(os.P_PID, copy, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < last:
        time.sleep(0.005)


def _end(copy: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(copy, signal.SIGKILL)
    os.waitpid(copy, 0)


def _read(written: IO[bytes]) -> list[Any]:
    """Read all results that are whole."""
    found: list[Any] = []
    written.seek(0)
    with suppress(EOFError, pickle.UnpicklingError):
        while True:
            found.append(pickle.load(written))
    return found

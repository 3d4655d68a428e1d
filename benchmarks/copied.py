"""A function in a process of its own that need not import anything again."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

WAITED = 20
"""Seconds of waiting for each second of processor time that is allowed, on a machine that does other things."""


class Ended(Exception):
    """A process that ended without a result, with the reason."""


def forked(function: Callable[..., Any], *given: Any, seconds: int, gigabytes: float | None = None) -> Any:
    """Call a function in a copy of this process.

    Parameters
    ----------
    function
        Function whose result can be pickled.
    *given
        What it is called with.
    seconds
        Largest number of seconds of processor time.
    gigabytes
        Largest size of the process's data; None for any.

    Raises
    ------
    Ended
        If the process was stopped, or an exception was raised that `function` does not handle.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, function, given, seconds, gigabytes))
    sys.stdout.flush()
    before = _time_of_children()
    child.start()
    theirs.close()
    found, waited = None, False
    with suppress(EOFError):
        waited = not ours.poll(seconds * WAITED)
        found = None if waited else ours.recv()
    child.join(5)
    if child.is_alive():
        child.kill()
    child.join()
    if found is None:
        raise Ended(_reason(child.exitcode, seconds, waited or _time_of_children() - before >= seconds))
    if "raised" in found:
        raise Ended(found["raised"])
    return found["made"]


def _time_of_children() -> float:
    """Give the seconds of processor time of all processes that this one started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reason(code: int | None, seconds: int, is_late: bool) -> str:
    """Say why a process ended without a result."""
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and is_late):
        return f"longer than {seconds} s"
    return "killed (memory?)" if code == -signal.SIGKILL else f"ended by signal {-(code or 0)}"


def _run(theirs: Connection, function: Callable[..., Any], given: Any, seconds: int, gigabytes: float | None) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    if gigabytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(gigabytes * 2**30),) * 2)
    try:
        theirs.send({"made": function(*given)})
    except Exception as error:  # whatever it is, it is the result
        theirs.send({"raised": f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}"})
    theirs.close()

"""The job that this process is one of: torchrun says so in the environment, and starts every process of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from types import FrameType
from typing import TYPE_CHECKING, Any

from interp.errors import UsageError
from interp.ranks.alone import ALONE, Ranks
from interp.ranks.silent import silent

if TYPE_CHECKING:
    from interp.ranks.group import Group

_CURRENT = [ALONE]

_BEGUN = count()
"""Numbers of the jobs that this process joins, one after the other: keys of one must not be read by the next."""


def current() -> Ranks:
    """Give the processes of the job that this one is in: inside `job` those of torchrun, else this one alone.

    Examples
    --------
    >>> current().size
    1
    """
    return _CURRENT[-1]


@contextmanager
def job(is_program: bool = False) -> Iterator[Ranks]:
    """Join the job that torchrun started this process for, if it did, and has not joined it yet.

    The commands do so by themselves; a script does to have `interp.analyse` divide its work, and all of its processes
    then run the block. `interp.analyse` and `interp.compare` print in the first alone, functions of the script's that
    they call included; an error in the block reaches all of them. A group of `torch.distributed` that the script has
    begun is left as it is.

    A process that is told to end (SIGTERM) inside the block says why the job ends, and does so at once with exit code
    2: no `finally` is run, as without a handler. After the block the signal does what it did before.

    Parameters
    ----------
    is_program
        Whether the process ends after the block, as that of a command does: others than the first then print nothing
        in all of it, and after an error, which it has still to print, the process ignores SIGTERM.

    Yields
    ------
    Ranks
        Processes of the job; this one alone where there are no others.

    Raises
    ------
    JobError
        If another process of the job ends while the block runs.
    UsageError
        If the environment holds words where numbers of processes belong.

    Examples
    --------
    >>> with job() as ranks:
    ...     ranks.size
    1
    """
    if len(_CURRENT) > 1 or not is_job():
        yield current()
        return
    group = _begun()
    with ExitStack() as stack:
        if not is_program:
            stack.enter_context(_signal_kept())
        stack.callback(group.leave)
        yield stack.enter_context(joined(group, is_program))


@contextmanager
def joined(group: Group, is_silent: bool = True) -> Iterator[Ranks]:
    """Be one of several processes in the block; errors as of `job`.

    Parameters
    ----------
    group
        Processes of the job.
    is_silent
        Whether others than the first print nothing in the block.
    """
    _CURRENT.append(group)
    try:
        with _told_to_end(group), silent(is_silent and group.rank > 0), group.reported():
            group.begin()
            yield group
    finally:
        _CURRENT.pop()


@contextmanager
def apart() -> Iterator[None]:
    """Work on something that is not divided in the block: the process is not one of a job there.

    Examples
    --------
    >>> with apart():
    ...     current().size
    1
    """
    _CURRENT.append(ALONE)
    try:
        yield
    finally:
        _CURRENT.pop()


def has_joined() -> bool:
    """Whether this process is inside `job` and one of several, also where it works apart from the others.

    Examples
    --------
    >>> with apart():
    ...     has_joined()
    False
    """
    return any(ranks is not ALONE for ranks in _CURRENT)


def is_job() -> bool:
    """Whether this process is one of several, by what torchrun, or whoever does the same, put in the environment.

    Raises
    ------
    UsageError
        If the number of processes is none.

    Examples
    --------
    >>> is_job()
    False
    """
    return _number("WORLD_SIZE", 1) > 1 and {"RANK", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


def _number(name: str, otherwise: int = 0) -> int:
    """Read a number of the environment, where it has one."""
    given = os.environ.get(name) or str(otherwise)
    try:
        return int(given)
    except ValueError as error:
        do = f"unset {name}, or start the job with torchrun, which sets it"
        raise UsageError(name, found=repr(given), expected="a whole number", do=do) from error


def _begun() -> Group:
    for name in ("RANK", "LOCAL_RANK", "MASTER_PORT"):
        _number(name)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # our one line says what gloo says in fifty
    import torch
    import torch.distributed as dist

    from interp.ranks.group import Group

    if torch.cuda.is_available():
        torch.cuda.set_device(_number("LOCAL_RANK") % torch.cuda.device_count())
    if dist.is_initialized():
        found = dist.distributed_c10d._get_default_store(), dist.get_rank(), dist.get_world_size()
    else:
        found = _met(os.getpid(), os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"])
    store, rank, size = found
    own = dist.PrefixStore(f"interp/{next(_BEGUN)}", store)  # type: ignore[attr-defined]  # torch lists few names
    return Group(own, rank, size)


@cache
def _met(process: int, address: str, port: str) -> tuple[Any, int, int]:
    """Meet the other processes, once for all jobs: at a second meeting some would still find the store of the first.

    Parameters
    ----------
    process
        Number of this process: a copy of it must meet the others itself.
    address, port
        Place where the processes meet.

    Returns
    -------
    tuple
        Store that all reach, number of this process among them, and how many there are.
    """
    from torch.distributed.rendezvous import rendezvous

    store, rank, size = next(iter(rendezvous("env://")))
    return store, rank, size


@contextmanager
def _signal_kept() -> Iterator[None]:
    """Let SIGTERM do after the block what it did before."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _told_to_end(group: Group) -> Iterator[None]:
    """Say why the job ends where torchrun ends this process, as it does when another one has ended, and end it.

    An error raised by a signal would be lost wherever one is: in what frees an object, or in code that tries something.
    Files are such that a process may end at any moment.
    """
    owner = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:  # else a copy of the process
            os.write(2, f"error: {group.ended()}\n".encode())
        os._exit(2)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except BaseException:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this process has something to say, and ends by itself
        raise
    signal.signal(signal.SIGTERM, before)

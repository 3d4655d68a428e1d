"""Shares of the work for every core, in forked processes.

Python threads would wait for each other between operations of some ten microseconds, and torch's own threads
for the slowest of them; processes wait once, at the end. Forked ones share the network and the data.
"""

from __future__ import annotations

import multiprocessing
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch

Part = TypeVar("Part")
Work = Callable[[range, bool], Part]
"""(positions to work on, whether to show progress) -> what came of them."""


def workers(device: torch.device) -> int:
    """Give how many processes may work at once: as many as torch has threads; 1 where a process cannot be forked."""
    return torch.get_num_threads() if sys.platform == "linux" and device.type == "cpu" else 1


def spread(work: Work[Part], count: int, processes: int) -> list[Part]:
    """Work on positions 0 to count - 1 in several processes, this one among them.

    Each works on one thread, and what it gives must pickle. An error in one of them is raised here.
    """
    shares = [range(start, count, processes) for start in range(min(processes, count))]
    if len(shares) == 1:
        return [work(shares[0], True)]
    threads, others = torch.get_num_threads(), [_fork(work, share) for share in shares[1:]]
    torch.set_num_threads(1)
    try:
        return [work(shares[0], True), *(_received(other) for _, other in others)]
    finally:
        torch.set_num_threads(threads)
        for process, _ in others:
            process.terminate()
            process.join()


def _fork(work: Work[Part], share: range) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, share, theirs), daemon=True)
    with warnings.catch_warnings():  # Python 3.12 warns of threads at a fork; the child starts none
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()
    return process, ours


def _child(work: Work[Part], share: range, out: Connection) -> None:
    torch.set_num_threads(1)  # threads of torch do not survive a fork
    try:
        out.send((work(share, False), None))
    except Exception as error:  # raised again in the parent
        out.send((None, error))


def _received(other: Connection) -> Any:
    try:
        part, error = other.recv()
    except EOFError:
        raise RuntimeError("a worker process ended without a result; it may have been out of memory") from None
    if error is not None:
        raise error
    return part

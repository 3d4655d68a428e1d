"""Several processes that `torch.distributed` joins: what they exchange, and how each hears that another has ended.

Before an exchange each process waits until all have come to it, for as long as that takes. Meanwhile it looks whether
another said that it failed, or is gone without a word: a wait inside gloo could not be left, and would end after a
fixed time, however long the others' work.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from interp.errors import InterpError, first_line
from interp.ranks.alone import Ranks
from interp.ranks.pulse import SILENCE, Pulse

Value = TypeVar("Value")

LONG = timedelta(days=30)
"""Time after which an exchange is given up; all processes are there when one begins."""

FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.2
"""Seconds between two looks at whether all have come; each pause is half as long again as the one before."""

WAITING = 0.02
"""Seconds between two looks at whether all have begun."""

PATIENCE = 1800.0
"""Seconds after which a process that has not begun is waited for no more."""

BOOT, NUMBERS = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
"""What a machine drew when it started, and the namespace that a process has its number in, on Linux."""

CLOSING = 1.0
"""Longest time in seconds for which a process that closed its connections may still be listed as one that runs."""

FAILED = "failed"
"""Key of what the first process that failed said."""


class JobError(InterpError):
    """Another process of the job has ended."""


class Group(Ranks):
    """Processes that `torch.distributed` joins.

    Parameters
    ----------
    store
        Store of keys and values that all processes reach.
    rank
        Number of this process, from 0.
    size
        Number of processes.
    """

    def __init__(self, store: Any, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._store, self._exchanges, self._is_own = store, 0, not dist.is_initialized()
        self._processes: dict[int, tuple[list[str], int]] = {}
        self._pulse = Pulse(store, rank, size, self._told_of, self._lost)

    def begin(self) -> None:
        """Wait until all processes are there, and join them.

        Raises
        ------
        JobError
            If another process has ended.
        """
        try:
            self._pulse.begin()
            self._store.set(self._key(self.rank), json.dumps([_machine(), os.getpid()]))
            self._wait()
            self._pulse.watch()
            if self._is_own:
                backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
                dist.init_process_group(backend, store=self._store, rank=self.rank, world_size=self.size)
            self._gloo: Any = dist.new_group(backend="gloo", timeout=LONG)
        except RuntimeError as error:
            raise self._broken(error) from error

    def _key(self, rank: int) -> str:
        return f"process/{rank}"

    def _wait(self) -> None:
        """Wait until all processes have said which they are; a wait inside torch could not be told to end."""
        end, missing = time.monotonic() + PATIENCE, list(range(self.size))
        while missing:
            for rank in [rank for rank in missing if self._store.check([self._key(rank)])]:
                self._processes[rank] = tuple(json.loads(self._store.get(self._key(rank))))
                missing.remove(rank)
            self._look()
            if missing and time.monotonic() > end:
                raise self.ended(f"nothing of rank {missing[0]} for {PATIENCE / 60:.0f} minutes")
            if missing:
                time.sleep(WAITING)

    @property
    def beside(self) -> tuple[int, ...]:
        """Numbers of the processes on the same machine, this one among them, ascending."""
        here = _machine()
        return tuple(rank for rank, (machine, _) in sorted(self._processes.items()) if machine == here)

    def told(self, value: Value) -> list[Value]:
        """Tell all processes something; see `Ranks.told`.

        Parameters
        ----------
        value
            Value of this process, which can be pickled.

        Raises
        ------
        JobError
            If another process has ended.
        """
        found: list[Any] = [None] * self.size
        try:
            self._meet()
            dist.all_gather_object(found, value, group=self._gloo)
        except RuntimeError as error:
            raise self._broken(error) from error
        return found

    def leave(self) -> None:
        """End what exchanges in the background: a process that ends beside it may be aborted."""
        self._pulse.stop()
        with suppress(Exception):  # others may be gone
            dist.destroy_process_group(None if self._is_own else self._gloo)  # a group of the user's own stays

    def _meet(self) -> None:
        """Wait until all processes have come here."""
        self._exchanges += 1
        key, pause = f"come/{self._exchanges}", FIRST_PAUSE
        come = self._store.add(key, 1)
        while come < self.size:
            self._look()
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)
            come = self._store.add(key, 0)

    def _look(self) -> None:
        """Raise `JobError` where another process failed or is gone."""
        if self._store.check([FAILED]) or self._gone():
            raise self.ended()

    def _gone(self) -> list[int]:
        """Give the ranks on this machine whose processes are no more."""
        here = _machine()
        return [rank for rank, (machine, pid) in sorted(self._processes.items()) if machine == here and not _runs(pid)]

    def ended(self, otherwise: str = "the end of the job from outside") -> JobError:
        """Make the error that says which process ended, and why as far as that is known.

        Parameters
        ----------
        otherwise
            Reason to give in the case that no process failed or is gone.
        """
        for rank in self._gone()[:1]:
            pid = self._processes[rank][1]
            otherwise = f"rank {rank} is gone (process {pid}), as when it is killed or memory is used up"
            self._tell(otherwise)  # who looks later finds this process gone too
        with suppress(RuntimeError):  # the store may have ended too
            if self._store.check([FAILED]):  # what was said first: others may have ended of it since
                return self._error(self._store.get(FAILED).decode())
        return self._error(otherwise)

    def _broken(self, error: RuntimeError) -> JobError:
        """Make the error of an exchange that broke off: what is killed closes its connections before it is gone."""
        end = time.monotonic() + CLOSING
        with suppress(RuntimeError):  # the store may have ended too
            while not self._store.check([FAILED]) and not self._gone() and time.monotonic() < end:
                time.sleep(WAITING)
        return self.ended(first_line(error))

    def _silence(self, rank: int | None) -> str:
        """Say which process, or None for the store, is silent."""
        whom = f"rank {rank} on {self._processes[rank][0][0]}" if rank is not None else "the store of the job"
        return f"no sign of {whom} for {SILENCE:.0f} s, as when a machine or the network is down"

    def _told_of(self, rank: int | None) -> None:
        """Tell the others which process is silent, over a connection that nobody waits on."""
        if rank is not None:
            with suppress(RuntimeError):
                self._store.clone().compare_set(FAILED, "", self._silence(rank))

    def _lost(self, rank: int | None) -> None:
        """End this process, whatever it waits for, since another, or None for the store, is silent.

        It may be inside an exchange that no error ends, so none is raised; files are such that it may end any time.
        """
        os.write(2, f"error: {self._error(self._silence(rank))}\n".encode())
        os._exit(2)

    def _tell(self, said: str) -> None:
        """Tell the others why the job ends, if nobody has."""
        with suppress(RuntimeError):  # the store may have ended
            self._store.compare_set(FAILED, "", said)

    def _error(self, found: str) -> JobError:
        expected, do = "all ranks to come to the end", "see to it, and run the same command again, which goes on"
        return JobError(f"rank {self.rank}", found=found, expected=expected, do=do)

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Tell the others of an error in the block, and say in it which rank it is of."""
        try:
            yield
        except JobError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            said = f"rank {self.rank}: {first_line(error, 600)}"
            self._tell(said)
            if isinstance(error, InterpError):
                error.args = (said,)
            raise


def _machine() -> list[str]:
    """Say where the number of this process counts: machines and containers may share a name, and containers a start."""
    found = [socket.gethostname()]
    with suppress(OSError):  # a system without /proc
        found += [BOOT.read_text().strip(), str(NUMBERS.readlink())]
    return found


def _runs(pid: int) -> bool:
    """Whether a process of this machine runs; one that was killed is still listed until its parent asks for it."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except (OSError, IndexError):  # another user's process, or a system without /proc
        return True
    return state not in "ZX"

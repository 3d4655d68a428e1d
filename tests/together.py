"""Several processes of one job, forked from this one: they share its imports, and meet over real gloo."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch.distributed as dist
from forked import forked

from interp.ranks.group import Group
from interp.ranks.job import joined

LONGEST = 60
"""Seconds after which processes that still wait are killed."""


def together(size: int, work: Callable[[], object], folder: Path) -> list[tuple[int | None, str]]:
    """Run a function in all processes of a job; give the exit code of each, and the error that it ended with."""
    folder.mkdir(exist_ok=True)
    (folder / "port").unlink(missing_ok=True)
    agent = forked(_agent, folder / "port")  # as torchrun's: this process must have no threads when it forks
    while not (folder / "port").exists():
        time.sleep(0.01)
    port = int((folder / "port").read_text())
    made = [forked(_one, rank, size, port, work, folder / f"error.{rank}") for rank in range(size)]
    end = time.monotonic() + LONGEST
    for process in made:
        process.join(max(0, end - time.monotonic()))
        process.kill()
        process.join()
    agent.kill()
    agent.join()
    said = [folder / f"error.{rank}" for rank in range(size)]
    return [(one.exitcode, path.read_text() if path.exists() else "") for one, path in zip(made, said, strict=True)]


def _agent(port: Path) -> None:
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    port.with_suffix(".part").write_text(str(store.port))
    port.with_suffix(".part").rename(port)
    time.sleep(2 * LONGEST)


def _one(rank: int, size: int, port: int, work: Callable[[], object], error: Path) -> None:
    os.environ |= {"GLOO_SOCKET_IFNAME": "lo"}
    error.unlink(missing_ok=True)
    store = dist.TCPStore("127.0.0.1", port, is_master=False)
    try:
        with joined(Group(store, rank, size)):
            work()
    except BaseException as found:
        error.write_text(f"{type(found).__name__}: {found}")
        os._exit(2)
    os._exit(0)

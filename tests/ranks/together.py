"""Several processes of one job, forked from this one: they share its imports, and meet over real gloo."""

import os
from collections.abc import Callable
from pathlib import Path

import torch.distributed as dist
from forked import forked

from interp.ranks.group import Group
from interp.ranks.job import joined


def together(size: int, work: Callable[[], object], folder: Path) -> list[tuple[int | None, str]]:
    """Run a function in all processes of a job; give the exit code of each, and the error that it ended with."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # this process is torchrun's
    folder.mkdir(exist_ok=True)
    made = [forked(_one, rank, size, store.port, work, folder / f"error.{rank}") for rank in range(size)]
    for process in made:
        process.join(60)
    said = [folder / f"error.{rank}" for rank in range(size)]
    return [(one.exitcode, path.read_text() if path.exists() else "") for one, path in zip(made, said, strict=True)]


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

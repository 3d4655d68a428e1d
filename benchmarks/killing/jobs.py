"""Jobs of several processes, started by torchrun's own agent, of which one rank may be killed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from killing.commands import LOOK, as_child, work

LONGEST = 300
"""Seconds after which a job that does not end is killed."""


@dataclass(frozen=True)
class JobEnded:
    """How a job ended.

    Attributes
    ----------
    is_over
        Whether it ended by itself, within `LONGEST`.
    is_killed
        Whether the rank that was to be killed was.
    told
        What each rank printed.
    seconds
        Processor time of each rank that came to its end.
    """

    is_over: bool
    is_killed: bool
    told: tuple[str, ...]
    seconds: dict[int, float]

    @property
    def is_done(self) -> bool:
        """Whether all ranks came to the end of their work."""
        return len(self.seconds) == len(self.told)


def run_job(
    words: Sequence[str], size: int, folder: Path, victim: int | None = None, kill_after: float = 0
) -> JobEnded:
    """Run a command of the program by several ranks, forked by torchrun's agent.

    Parameters
    ----------
    words
        Words of the command line, without the program's name.
    size
        Number of ranks.
    folder
        Folder for what they print, and for how they ended; emptied first.
    victim
        Rank that gets SIGKILL; None to let all end.
    kill_after
        Processor time of that rank, in seconds, after which it is killed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    agent = os.fork()
    if not agent:
        _agent(words, size, folder)
    is_killed = victim is not None and _killed(folder / f"pid.{victim}", agent, kill_after)
    is_over = _ended(agent)
    ranks = range(size)
    told = tuple(_text(folder / f"log.{rank}") for rank in ranks)
    done = {rank: float(text) for rank in ranks if (text := _text(folder / f"done.{rank}"))}
    return JobEnded(is_over, is_killed, told, done)


def _killed(number: Path, agent: int, kill_after: float) -> bool:
    """Kill a rank once it has worked for so long; give whether it still ran."""
    while not _text(number).endswith("\n"):
        if work(agent) == float("inf"):
            return False
        time.sleep(LOOK)
    process = int(_text(number))
    while (used := work(process)) < kill_after:
        time.sleep(min(LOOK, max(kill_after - used, 0.001)))
    with suppress(ProcessLookupError):
        if used < float("inf"):
            os.kill(process, signal.SIGKILL)
            return True
    return False


def _ended(agent: int) -> bool:
    """Wait for the agent, and kill what is left of a job that hangs."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if os.waitpid(agent, os.WNOHANG)[0]:
            return True
        time.sleep(LOOK)
    os.killpg(agent, signal.SIGKILL)
    os.waitpid(agent, 0)
    return False


def _agent(words: Sequence[str], size: int, folder: Path) -> NoReturn:
    """Start the ranks as torchrun does, and leave with them."""
    code = 1
    try:
        os.setsid()
        with (folder / "agent").open("w") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        os.environ |= {"GLOO_SOCKET_IFNAME": "lo"}
        tempfile.tempdir = str(folder)  # the agent leaves folders behind where it does not end as Python does
        kind, at = {"start_method": "fork", "max_restarts": 0, "monitor_interval": 0.1}, "localhost:0"
        config = LaunchConfig(1, 1, size, run_id="job", rdzv_backend="c10d", rdzv_endpoint=at, **kind)
        elastic_launch(config, _rank)(tuple(words), str(folder))
        code = 0
    finally:
        os._exit(code)


def _rank(words: Sequence[str], folder: str) -> None:
    """Be one rank; one that fails leaves at once, as the program itself would."""
    home, rank = Path(folder), os.environ["RANK"]
    (home / f"pid.{rank}").write_text(f"{os.getpid()}\n")
    before = _used()
    code = as_child(words, home / f"log.{rank}")
    if code:
        os._exit(code)
    (home / f"done.{rank}").write_text(str(_used() - before))


def _used() -> float:
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in found)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""

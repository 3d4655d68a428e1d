"""Commands in processes of their own, made by forking: importing all anew for each would take most of the time."""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import torch

import interp
from interp.cli.main import main
from interp.store import RecordingWriter

NUMBER = struct.Struct("<q")
LOOK = 0.02
"""Longest time between two looks at how much a process has done, in seconds."""
ROWS = 100
"""Rows in place of 1024 in the child: 800 samples are written at a time, which end within blocks with a checksum."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    code
        Exit code; -9 where it was killed.
    seconds
        Processor time that it used, in seconds, with that of its processes.
    written
        Samples of each split that the recording was said to hold, in the order of the splits.
    told
        What it printed.
    """

    code: int
    seconds: float
    written: tuple[int, ...]
    told: str


def import_all() -> None:
    """Import what commands import as they run, so that kills fall into their work."""
    names = [one.name for one in pkgutil.walk_packages(interp.__path__, "interp.") if not one.name.endswith("__main__")]
    for name in (*names, "captum.attr", "sklearn.cluster", "sklearn.datasets"):
        importlib.import_module(name)


def run_command(words: Sequence[str], log: Path, kill_after: float | None = None, stop_at: int | None = None) -> Ended:
    """Run a command of the program in a process group of its own, which may be killed.

    Parameters
    ----------
    words
        Words of the command line, without the program's name.
    log
        File for what it prints.
    kill_after
        Seconds of processor time after which the group gets SIGKILL, so that moments spread over the work however
        loaded the machine is; None to let it end.
    stop_at
        Number of samples of all splits after which the recording kills itself; None to let it go on.
    """
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _child(words, log, write, stop_at)
    os.close(write)
    with os.fdopen(read, "rb") as reports:
        if kill_after is not None:
            while (used := work(child)) < kill_after:
                time.sleep(min(LOOK, max(kill_after - used, 0.001)))
            _kill(child)
        _, status, usage = os.wait4(child, 0)
        seconds = usage.ru_utime + usage.ru_stime
        sent = reports.read()
    counts = [number for (number,) in NUMBER.iter_unpack(sent[: len(sent) - len(sent) % NUMBER.size])]
    return Ended(os.waitstatus_to_exitcode(status), seconds, _by_split(counts), log.read_text(errors="replace"))


def work(process: int) -> float:
    """Give the processor time of a process and of those that it started, in seconds; infinite once it has ended.

    Parameters
    ----------
    process
        Number of the process.
    """
    tick = os.sysconf("SC_CLK_TCK")
    try:
        stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        started = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return float("inf")
    if stat[0] in "ZX":
        return float("inf")
    own = sum(int(each) for each in stat[11:15]) / tick
    others = (work(int(each)) for each in started)
    return own + sum(each for each in others if each < float("inf"))


def _kill(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it has no group yet, or none any more
        os.kill(child, signal.SIGKILL)  # not waited for yet, so that the number is still its own


def _by_split(counts: Sequence[int]) -> tuple[int, ...]:
    """Give the last number of each split: within one they grow."""
    return tuple(count for i, count in enumerate(counts) if i + 1 == len(counts) or counts[i + 1] <= count)


def _child(words: Sequence[str], log: Path, write: int, stop_at: int | None) -> NoReturn:
    """Run the command in a group of its own, and leave: nothing of the parent's is to be done twice."""
    code = 1
    try:
        os.setsid()
        with patch.object(RecordingWriter, "write", _reported(RecordingWriter.write, write, stop_at)):
            code = as_child(words, log)
    except BaseException:  # the parent reads what is said here
        log.open("a").write(traceback.format_exc())
    finally:
        os._exit(code)


def as_child(words: Sequence[str], log: Path) -> int:
    """Run a command in this process, which is the command's alone; give its exit code.

    Parameters
    ----------
    words
        Words of the command line, without the program's name.
    log
        File for what it prints.
    """
    with log.open("w", buffering=1) as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    torch.set_num_threads(1)
    with patch("interp.recording.positions.BLOCK", ROWS), patch("interp.run.parts.LEAST_SECONDS", 0.0):
        return main(words)


def _reported(plain: Callable[..., None], write: int, stop_at: int | None) -> Callable[..., None]:
    """Let whoever reads the pipe know what is written once the program may say so."""
    done = 0

    def followed(writer: RecordingWriter, split: str, start: int, predictions, *values) -> None:
        plain(writer, split, start, predictions, *values)
        os.write(write, NUMBER.pack(start + len(predictions)))
        nonlocal done
        done += len(predictions)
        if stop_at is not None and done >= stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return followed

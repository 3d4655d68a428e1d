"""Commands in processes of their own, made by forking: importing torch anew for each would take most of the time."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch

from interp.cli.main import main
from interp.store import RecordingWriter

NUMBER = struct.Struct("<q")
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
        Time from its start to its end.
    written
        Samples of each split that the recording was said to hold, in the order of the splits.
    told
        What it printed.
    """

    code: int
    seconds: float
    written: tuple[int, ...]
    told: str


def run_command(words: Sequence[str], log: Path, kill_after: float | None = None, stop_at: int | None = None) -> Ended:
    """Run a command of the program in a process group of its own, which may be killed.

    Parameters
    ----------
    words
        Words of the command line, without the program's name.
    log
        File for what it prints.
    kill_after
        Seconds after which the group gets SIGKILL; None to let it end.
    stop_at
        Number of samples of all splits after which the recording kills itself; None to let it go on.
    """
    read, write = os.pipe()
    begun = time.perf_counter()
    child = os.fork()
    if not child:
        os.close(read)
        _child(words, log, write, stop_at)
    os.close(write)
    with os.fdopen(read, "rb") as reports:
        if kill_after is not None:
            time.sleep(kill_after)
            _kill(child)
        _, status = os.waitpid(child, 0)
        seconds = time.perf_counter() - begun
        sent = reports.read()
    counts = [number for (number,) in NUMBER.iter_unpack(sent[: len(sent) - len(sent) % NUMBER.size])]
    return Ended(os.waitstatus_to_exitcode(status), seconds, _by_split(counts), log.read_text(errors="replace"))


def _kill(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it has no group yet, or none any more
        os.kill(child, signal.SIGKILL)  # not waited for yet, so that the number is still its own


def _by_split(counts: Sequence[int]) -> tuple[int, ...]:
    """Give the last number of each split: within one they grow."""
    return tuple(count for i, count in enumerate(counts) if i + 1 == len(counts) or counts[i + 1] <= count)


def _child(words: Sequence[str], log: Path, write: int, stop_at: int | None) -> None:
    """Run the command and leave: nothing of the parent's is to be done twice."""
    code = 1
    try:
        os.setsid()
        with log.open("w", buffering=1) as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
            torch.set_num_threads(1)
            with (
                patch("interp.recording.positions.BLOCK", ROWS),
                patch("interp.run.parts.LEAST_SECONDS", 0.0),
                patch.object(RecordingWriter, "write", _reported(RecordingWriter.write, write, stop_at)),
            ):
                code = main(words)
    finally:
        os._exit(code)


def _reported(plain: Callable[..., None], write: int, stop_at: int | None) -> Callable[..., None]:
    """Let whoever reads the pipe know what is written once the program may say so."""
    done = 0

    def followed(writer: RecordingWriter, split: str, start: int, predictions, z) -> None:
        plain(writer, split, start, predictions, z)
        os.write(write, NUMBER.pack(start + len(predictions)))
        nonlocal done
        done += len(predictions)
        if stop_at is not None and done >= stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return followed

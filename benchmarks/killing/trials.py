"""A command that is killed at random moments, and then run to its end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from killing.commands import Ended, run_command
from killing.files import broken, differences, lost
from killing.jobs import JobEnded, run_job

AGAIN = 0.3
"""Probability that the command which goes on is killed as well."""
TROUBLE = re.compile(r"error|exception|traceback|warn|gloo|nccl|c10d|^\[?[WEF]\d{4} |^interp\.", re.IGNORECASE)
"""Words of a line by which a program, torch or gloo tells of trouble, of what the first rank prints besides results."""


@dataclass(frozen=True)
class Trial:
    """What came of one command that was killed and run again.

    Attributes
    ----------
    kills
        Moments of the kills, each in seconds of processor time after the start of a command.
    whole
        Number of files of results that were whole at each kill: how far the command had come.
    failures
        What did not hold.
    """

    kills: tuple[float, ...]
    whole: tuple[int, ...]
    failures: tuple[str, ...]


def uninterrupted(words: Sequence[str], out: Path) -> Ended:
    """Run a command to its end, and move what it wrote aside, to ``NAME-whole``.

    Parameters
    ----------
    words
        Words of the command line.
    out
        Folder that it writes into.
    """
    ended = run_command(words, out.with_name("log"))
    if ended.code:
        raise RuntimeError(f"exit code {ended.code}: {ended.told[-500:]}")
    whole = out.with_name(f"{out.name}-whole")
    shutil.rmtree(whole, ignore_errors=True)
    out.rename(whole)
    return ended


def trial(words: Sequence[str], out: Path, seconds: float, rng: np.random.Generator) -> Trial:
    """Kill a command at a random moment, sometimes twice, and let the same one go on.

    Parameters
    ----------
    words
        Words of the command line.
    out
        Folder that it writes into, removed first.
    seconds
        Processor time that the command takes.
    rng
        Random number generator of the moments.
    """
    shutil.rmtree(out, ignore_errors=True)
    log, whole = out.with_name("log"), out.with_name(f"{out.name}-whole")
    kills: list[float] = []
    ready: list[int] = []
    failures: list[str] = []
    while not kills or rng.random() < AGAIN:
        moment = rng.uniform(0, seconds)
        ended = run_command(words, log, moment)
        if ended.code != -9:
            break
        kills.append(moment)
        ready.append(len(_marks(out)))
        failures += [f"killed: {each}" for each in (*broken(out), *lost(out, ended.written))]
    kept = _marks(out)
    ended = run_command(words, log)
    if ended.code:
        failures.append(f"the same command again: exit code {ended.code}: {ended.told[-300:].strip()}")
    now = _marks(out)
    failures += [f"{name} was whole, and was made again" for name in kept if kept[name] != now.get(name)]
    return Trial(tuple(kills), tuple(ready), (*failures, *differences(out, whole)))


def job_uninterrupted(words: Sequence[str], size: int, out: Path) -> dict[int, float]:
    """Run a job to its end, move what it wrote to ``NAME-whole-SIZE``, and give each rank's processor time.

    Parameters
    ----------
    words
        Words of the command line.
    size
        Number of ranks.
    out
        Folder that it writes into.
    """
    ended = run_job(words, size, out.with_name("job"))
    if not ended.is_done:
        raise RuntimeError(f"{size} ranks did not come to the end: {' '.join(ended.told)[-500:]}")
    out.rename(out.with_name(f"{out.name}-whole-{size}"))
    return ended.seconds


def job_trial(
    words: Sequence[str], size: int, out: Path, seconds: Mapping[int, float], rng: np.random.Generator
) -> Trial:
    """Kill one rank at a random moment, sometimes twice, and let the same job go on.

    Parameters
    ----------
    words
        Words of the command line.
    size
        Number of ranks.
    out
        Folder that it writes into, removed first.
    seconds
        Processor time that each rank takes.
    rng
        Random number generator of the rank and the moment.
    """
    shutil.rmtree(out, ignore_errors=True)
    folder, whole = out.with_name("job"), out.with_name(f"{out.name}-whole-{size}")
    kills: list[float] = []
    ready: list[int] = []
    failures: list[str] = []
    while not kills or rng.random() < AGAIN:
        victim = int(rng.integers(size))
        moment = rng.uniform(0, seconds[victim])
        ended = run_job(words, size, folder, victim, moment)
        if not ended.is_killed:
            break
        kills.append(moment)
        ready.append(len(_marks(out)))
        failures += [*map("killed: {}".format, broken(out)), *unsaid(ended, victim)]
    kept = _marks(out)
    again = run_job(words, size, folder)
    if not again.is_done:
        failures.append(f"the same job again: {' '.join(again.told)[-300:].strip()}")
    now = _marks(out)
    failures += [f"{name} was whole, and was made again" for name in kept if kept[name] != now.get(name)]
    return Trial(tuple(kills), tuple(ready), (*failures, *differences(out, whole)))


def unsaid(ended: JobEnded, victim: int) -> Iterator[str]:
    """Say which ranks did not name the one that was killed, in one line; those that were done need not.

    Of ranks behind the first every line counts, since they print nothing else; of the first those that tell of trouble.

    Parameters
    ----------
    ended
        Job of which a rank was killed.
    victim
        Number of the rank.
    """
    if not ended.is_over:
        yield "the job did not end"
    for rank, told in enumerate(ended.told):
        said = [line for line in told.splitlines() if line.strip() and (rank or TROUBLE.search(line))]
        if rank != victim and rank not in ended.seconds and (len(said) != 1 or f"rank {victim} is gone" not in said[0]):
            yield f"rank {rank} did not name rank {victim} in one line: {told[-900:].strip()!r}"


def _marks(out: Path) -> dict[str, int]:
    """Give the time at which each finished file of results was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5") if not path.name.startswith(".")}

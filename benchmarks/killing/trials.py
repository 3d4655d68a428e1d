"""A command that is killed at random moments, and then run to its end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from killing.commands import Ended, run_command
from killing.files import broken, differences, lost

AGAIN = 0.3
"""Probability that the command which goes on is killed as well."""


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


def _marks(out: Path) -> dict[str, int]:
    """Give the time at which each finished file of results was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5") if not path.name.startswith(".")}

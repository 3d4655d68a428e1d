"""How long each step of a run took, kept in the folder of the run: stages that are not run again keep theirs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from interp.safety import read_json
from interp.store import write_text
from interp.types import Timing

TIMINGS = "timings.json"
"""Name of the file in the folder of a run: step -> its seconds, and the fingerprint of a stage's results."""


def keep_timing(folder: Path, step: str, seconds: float, fingerprint: str = "") -> None:
    """Write how long a step took beside those of the others.

    Parameters
    ----------
    folder
        Folder of a run.
    step
        Name of the step.
    seconds
        Time that it took, in seconds.
    fingerprint
        Fingerprint of the stage's results; empty of another step.

    Raises
    ------
    UsageError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home:
    ...     keep_timing(Path(home), "fit", 4.0, "ab")
    ...     made_in(Path(home), "fit", "ab"), made_in(Path(home), "fit", "cd")
    (4.0, nan)
    """
    steps = _steps(folder) | {step: {"seconds": round(seconds, 3), "fingerprint": fingerprint}}
    write_text(folder / TIMINGS, json.dumps(steps, indent=1))


def made_in(folder: Path, step: str, fingerprint: str) -> float:
    """Give the time that results of a fingerprint took, in seconds; NaN where it is not known.

    Parameters
    ----------
    folder
        Folder of a run.
    step
        Name of the stage.
    fingerprint
        Fingerprint of the stage's results.
    """
    found = _steps(folder).get(step)
    if not isinstance(found, Mapping) or found.get("fingerprint") != fingerprint:
        return float("nan")
    seconds = found.get("seconds")
    return float(seconds) if isinstance(seconds, Real) and not isinstance(seconds, bool) else float("nan")


def _steps(folder: Path) -> dict[str, Any]:
    """Read what is known; nothing where the file is missing or damaged."""
    try:
        found = read_json(folder / TIMINGS)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def timing_lines(timings: Iterable[Timing]) -> list[str]:
    """Lay timings out for the terminal, a line a step and one for all.

    Parameters
    ----------
    timings
        Steps with their times.

    Examples
    --------
    >>> timing_lines([Timing("load", 2.0), Timing("fit", 0.1, 4.0)])[1:]
    ['fit           0.1 s  (not run again; 4.0 s when it was)', 'all           2.1 s']
    """
    found = list(timings)
    rows = [*((one.step, one.seconds, note(one)) for one in found), ("all", sum(one.seconds for one in found), "")]
    return [f"{step:10} {seconds:6.1f} s  {f'({said})' if said else ''}".rstrip() for step, seconds, said in rows]


def note(timing: Timing) -> str:
    """Say of a stage that it was not run again; nothing of any other step.

    Parameters
    ----------
    timing
        Step with its time.

    Examples
    --------
    >>> note(Timing("fit", 4.0)), note(Timing("fit", 0.1, 4.0)), note(Timing("fit", 0.1, float("nan")))
    ('', 'not run again; 4.0 s when it was', 'not run again')
    """
    if timing.made_in is None:
        return ""
    is_known = timing.made_in == timing.made_in  # NaN differs from itself
    return f"not run again; {timing.made_in:.1f} s when it was" if is_known else "not run again"

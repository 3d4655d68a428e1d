"""Folders of what a kill leaves: recordings that are begun, of every kind, and parts of unfinished stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fuzzing.seeds.recordings import begun_run, record_by_two
from interp.run import Run, parts, run_stages
from interp.run.fingerprint import stage_provenance
from interp.run.parts import Parts, parts_of
from interp.store import recording_writer

HOW: dict[str, Mapping[str, Any]] = {
    "plain": {},
    "packed": {"codec": "gzip"},
    "half": {"dtype": "float16"},
    "some": {"store": 100},
    "two": {},
}
"""Name of the folder -> options of the recording."""
SAMPLES = 400
"""Number of samples a block: of 1,500 the third ends behind a block of 1,024 rows that has a checksum."""
DIVIDED = ("read", "intervene")
"""Stages that keep parts of what they find."""


class Killed(BaseException):
    """Stands for the end of the process."""


@contextmanager
def _killed(name: str, owner: Any, after: int) -> Iterator[None]:
    """End what the block does before the call of a function that follows on so many."""
    own, calls = getattr(owner, name), [0]

    def counted(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] > after:
            raise Killed
        return own(*given, **named)

    with patch.object(owner, name, counted):
        try:
            yield
        except Killed:
            return
    raise AssertionError(f"{name} was called {calls[0]} times")


def finish_recording(folder: Path) -> Run:
    """Go on with a folder's recording, in blocks that end within those of checksums, and give its run."""
    run = begun_run(folder, **HOW[folder.name])
    with patch("interp.recording.record.samples_a_block", lambda *_: SAMPLES):
        if folder.name == "two":
            record_by_two(run)
        else:
            run.stage("record").run(run)
    return run


def _begun(folder: Path, how: str, blocks: int) -> str:
    """Record so many blocks of samples."""
    with _killed("write", recording_writer.RecordingWriter, blocks):
        finish_recording(folder / how)
    return how


def _unpacked(folder: Path) -> str:
    """Record all, and pack nothing of it."""
    with _killed("write_packed", recording_writer, 0):
        finish_recording(folder / "packed")
    return "packed"


def _parts(folder: Path) -> str:
    """Run stages that keep their parts however fast they were made, and keep nothing else of them."""
    run = begun_run(folder / "file")
    run_stages(run, DIVIDED)
    for name in DIVIDED:
        run.path(name).unlink()
    with patch.object(parts, "LEAST_SECONDS", 0.0):
        for name in DIVIDED:
            stage_from_parts(run, name)
    assert all(parts_of(run.path(name)) for name in DIVIDED)
    return "file"


def stage_from_parts(run: Run, name: str) -> Any:
    """Run a stage from what parts of it are kept in its folder."""
    stage = run.stage(name)
    return stage.run(replace(run, keep=Parts(run.path(name), stage.result, stage_provenance(run, stage))))


BEGUN: dict[str, Callable[[Path], str]] = {
    "begun recording": partial(_begun, how="plain", blocks=2),
    "begun recording, last split": partial(_begun, how="plain", blocks=4),
    "begun recording, packed": partial(_begun, how="packed", blocks=3),
    "recording before packing": _unpacked,
    "begun recording in float16": partial(_begun, how="half", blocks=3),
    "begun recording of some samples": partial(_begun, how="some", blocks=3),
    "begun recording of two processes": partial(_begun, how="two", blocks=5),
}
PARTS: dict[str, Callable[[Path], str]] = {"parts of stages": _parts}
"""Name -> a function that writes into a folder and says what is to be opened there."""

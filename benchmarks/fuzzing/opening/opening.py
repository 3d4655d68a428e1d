"""Opening of one checkpoint as the command line does it, and its outcome."""

from __future__ import annotations

import json
import shutil
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.mutations.payloads import MARKER, UNTOUCHED, VICTIM
from fuzzing.opening.digest import digest_of
from fuzzing.opening.watch import Watch, forget_peak, memory, stderr_in
from fuzzing.seeds.base import base
from fuzzing.seeds.begun import DIVIDED, finish_recording, stage_from_parts
from fuzzing.seeds.checkpoints import make_seed
from fuzzing.seeds.data import QUICK, run_in
from fuzzing.seeds.pages import NOT_OURS
from fuzzing.seeds.recordings import begun_run
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inspection import inspection
from interp.data import DataOptions, load_dataset
from interp.errors import InterpError
from interp.gate.against import conditions_against, read_baseline
from interp.gate.facts import Facts, facts_in
from interp.run import STAGES, Run, describe, remove_run, resume, run_stages
from interp.run.find import needed
from interp.run.folder import check_owner
from interp.run.pipeline import results_of
from interp.run.recorded import recorded
from interp.run.timings import made_in
from interp.store import check_recording, recorded_splits
from interp.types import Dataset, Provenance, Split

FAILURES = ("executed", "crash", "hang", "memory", "traceback", "noise", "other numbers")
MOST_MEMORY = 200_000_000  # bytes in use beyond those before; the largest mutants have 16 MB
MOST_SECONDS = 5.0  # of the processor
LONGEST_LINE = 2000
NOWHERE = Provenance("", "", 0, {}, {})


@dataclass(frozen=True)
class Outcome:
    """Outcome of opening one file.

    Attributes
    ----------
    kind
        Kind of the outcome: ``opened``, ``refused``, or one of `FAILURES`: code of the file ran, the
        process died, it took over five seconds or over `MOST_MEMORY`, an error other than `InterpError` got out, more
        was printed than one line, or a file that a checksum covers gave other numbers than the sound one.
    message
        Message of the error; empty where the file opened.
    memory
        Largest number of bytes in use beyond those before.
    """

    kind: str
    message: str = ""
    memory: int = 0

    @property
    def is_failure(self) -> bool:
        """Whether this must not be."""
        return self.kind in FAILURES

    @property
    def digest(self) -> str:
        """Digest of the numbers that a file of ours gave."""
        return self.message.partition("\n")[0]


def toy_data(width: int) -> Dataset:
    """Make 30 labelled rows, of images where `width` is 64, of tokens where it is 7."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, (30, width)) if width == 7 else rng.random((30, width)), np.arange(30) % 3
    return Dataset("toy", {"train": Split(x, y)}, (1, 8, 8) if width == 64 else None, ("a", "b", "c"), (), "toy")


def open_file(kind: str, path: Path, number: int, watch: Watch, scratch: Path) -> Outcome:
    """Open a file as what it is said to be, and say what came of it.

    Parameters
    ----------
    kind
        Name of the opener in `OPENERS`.
    path
        Path of the file.
    number
        Number for the opener, such as the width of the data.
    watch
        Watch over the process's audit events.
    scratch
        Folder that stands for the user's own, where the marker of executed code would appear.
    """
    watch.events.clear()
    watch.folder = path if kind in WRITERS else None
    if not _is_untouched():
        VICTIM.write_bytes(UNTOUCHED)
        watch.events.clear()
    before, begin = forget_peak(), time.process_time()
    log = scratch.parent / "stderr"
    with stderr_in(log), warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning, FutureWarning):
            warnings.simplefilter("always", category)
        outcome = _opened(kind, path, number)
    used, seconds = memory()["VmHWM"] - before, time.process_time() - begin
    printed = log.read_text(errors="replace")
    events = [event for event in watch.events if not event.startswith(("open '/proc/self", f"open {str(log)!r}"))]
    if (scratch / MARKER).exists():
        _remove(scratch / MARKER)
        events.append(f"{MARKER} was made")
    if not _is_untouched():
        events.append("a file elsewhere was written or removed")
    if events:
        return Outcome("executed", "; ".join(events), used)
    if seconds > MOST_SECONDS:
        return Outcome("hang", f"{seconds:.1f} seconds; {outcome.kind}: {outcome.message}", used)
    if used > MOST_MEMORY:
        return Outcome("memory", f"{used / 1e6:,.0f} MB; {outcome.kind}: {outcome.message}", used)
    if printed:
        return Outcome("noise", printed[-2000:], used)
    return Outcome(outcome.kind, outcome.message, used)


def _is_untouched() -> bool:
    return VICTIM.is_file() and VICTIM.read_bytes() == UNTOUCHED


def _opened(kind: str, path: Path, number: int) -> Outcome:
    try:
        text = OPENERS[kind](path, number)
        text.encode()  # as printing does
    except InterpError as error:
        return _refused(str(error))
    except BaseException:  # whatever gets out is what is looked for
        return Outcome("traceback", traceback.format_exc(limit=-8)[-3000:])
    return Outcome("opened", text[:40])


def open_checkpoint(path: Path, width: int) -> str:
    """Read, build and describe a checkpoint, with data of `width` values a row unless that is 0."""
    model, _ = load_model(path, toy_data(width) if width else None)
    return described(inspection(model))


def open_data(path: Path, number: int) -> str:
    """Read a data file or folder, and describe a sound network with it."""
    options = DataOptions(str(path), offline=True)
    data = load_dataset("mnist" if is_mnist(path) else str(path), options)
    model, _ = load_model(base() / "net.pt", data)
    return described(inspection(model))


def is_mnist(path: Path) -> bool:
    """Whether a folder is the one that MNIST's files are looked for in."""
    return (path / "MNIST").is_dir()


def open_member(path: Path, width: int) -> str:
    """Do the same with the first of a list of state dicts."""
    model, _ = load_model(path, toy_data(width) if width else None, LoadOptions(member="0"))
    return described(inspection(model))


def open_run(path: Path, number: int) -> str:
    """Read all of a run's files, and run one of its stages anew, less the writing of its file."""
    run = resume(path, QUICK)
    stage = [name for name in STAGES if name not in ("record", "intervene")][number % 5]
    lines = run.stage(stage).summarise(run.stage(stage).run(run))
    found = {name: run.read(name) for name in needed(run)}
    return "\n".join([digest_of(found), results_of(run, found).verdict.headline, *lines])


def open_recording(path: Path, number: int) -> str:
    """Read every value of a recording and check it, and fit Gaussians to its values, less the writing of their file."""
    return _values_in(resume(path, QUICK))


def _values_in(run: Run) -> str:
    """Give all values of a run's recording, and of Gaussians that are fitted to them."""
    record, fit = run.stage("record"), run.stage("fit")
    lines = [*record.summarise(run.read("record")), *fit.summarise(fit.run(run))]
    check_recording(run.path("record"))
    found = []
    for split in recorded_splits(run.path("record")):
        with recorded(run, split) as recording:
            values = {name: rows[:] for name, rows in recording.z.items()}
            found.append(replace(recording, z=values, provenance=NOWHERE, close=None))
    return "\n".join([digest_of(found), *lines])


def finish_begun(path: Path, number: int) -> str:
    """Go on with a recording that is begun, and give its values."""
    run = finish_recording(path)
    return _values_in(run)


def finish_stages(path: Path, number: int) -> str:
    """Run stages from the parts of them that are kept."""
    run = begun_run(path)
    return digest_of([stage_from_parts(run, name) for name in DIVIDED])


def go_on(path: Path, number: int) -> str:
    """Run all stages in a folder that holds results of them, which are used where they are sound."""
    run = run_in(path)
    lines: list[str] = []
    found = run_stages(run, told=lambda done: lines.extend(done.stage.lines(done.found)))
    found = {name: run.read(name) for name in found}
    return "\n".join([digest_of(found), *lines])


def overwrite_page(path: Path, number: int) -> str:
    """See whose results a folder holds, and remove what runs wrote into it."""
    run = run_in(path)
    check_owner(run)
    seconds = [made_in(path, name, "ab") for name in run.stages]
    remove_run(path, [stage.file for stage in run.stages.values()])
    for place in (path, path / "figures"):
        assert (place / NOT_OURS).read_text() == "mine"
    return f"{seconds}, {sorted(file.name for file in path.iterdir())}"


def hold_against(path: Path, number: int) -> str:
    """Hold the sound network against a baseline."""
    conditions = conditions_against(read_baseline(path), path)
    lines = [str(condition.outcome(sound_facts())) for condition in conditions]
    assert "nan" not in "".join(lines).lower(), lines
    return "\n".join(lines)


@cache
def sound_facts() -> Facts:
    """Give the facts of the sound network."""
    seed = make_seed("baseline")
    return facts_in(json.loads(seed.files[seed.opens]))


WRITERS = ("begun", "part", "again", "page")
"""Kinds whose openers write into the folder that they open."""
OPENERS: dict[str, Callable[[Path, int], str]] = {
    "checkpoint": open_checkpoint,
    "member": open_member,
    "data": open_data,
    "run": open_run,
    "recording": open_recording,
    "foreign": open_checkpoint,
    "begun": finish_begun,
    "part": finish_stages,
    "again": go_on,
    "page": overwrite_page,
    "baseline": hold_against,
}
"""Kind -> (path, width of the data or another number) -> what would be printed of it."""


def described(found: dict[str, Any]) -> str:
    """Give what inspect prints, in both forms."""
    return json.dumps(found, allow_nan=False) + describe(found)


def _refused(line: str) -> Outcome:
    if "\n" in line or len(line) > LONGEST_LINE or "; expected " not in line:
        return Outcome("noise", f"an error of {len(line):,} characters: {line[:500]!r}")
    try:
        line.encode()
    except UnicodeEncodeError as error:  # it would not print
        return Outcome("traceback", f"{error} in {line[:500]!a}")
    return Outcome("refused", line)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def as_json(outcome: Outcome) -> str:
    """Give an outcome as one line."""
    return json.dumps(asdict(outcome))

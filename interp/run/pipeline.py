"""Runs the stages in order, each from the files of the ones before it, and none that is finished."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from interp.checkpoints.live import FORMAT
from interp.errors import UsageError
from interp.ranks import ALONE
from interp.recording.kept import stored_samples
from interp.run.find import needed, not_run
from interp.run.fingerprint import stage_provenance
from interp.run.folder import check_names, check_owner, check_store, locked, remove_remains
from interp.run.parts import Parts, parts_of, remove_parts
from interp.run.recorded import confusion_of, samples_behind
from interp.run.stage import Run, Stage
from interp.run.timings import keep_timing, made_in
from interp.types import Made, Provenance, Results, Timing
from interp.types.annotations.edge import checked
from interp.verdict.evidence import Evidence, no_effects
from interp.verdict.judge import judge


@dataclass(frozen=True)
class Done:
    """One stage that has come to its end.

    Attributes
    ----------
    stage
        Stage that was run.
    found
        Results of the stage: layer name -> result, or one result of the whole network.
    seconds
        Time that it took, in seconds.
    is_reused
        Whether the stage's file held the same already.
    made_in
        Time that the stage took when it was run, in seconds; NaN where that is not known.
    """

    stage: Stage
    found: Any
    seconds: float
    is_reused: bool
    made_in: float = float("nan")

    @property
    def timing(self) -> Timing:
        """Time that the stage took in this run."""
        return Timing(self.stage.name, self.seconds, self.made_in if self.is_reused else None)


Listener = Callable[[Done], None]


def run_stage(run: Run, stage: Stage, told: Listener | None = None) -> Any:
    """Run one stage from the files of those it needs, unless its own file holds the same already.

    Parameters
    ----------
    run
        Model, data, options and folder.
    stage
        Stage to run.
    told
        Function to call when the stage has come to its end.

    Returns
    -------
    object
        Results as read from the file: layer name -> result, or one result of the whole network; None in processes of a
        job other than the first.

    Raises
    ------
    MismatchError
        If a file that it needs is missing.
    UsageError
        If the folder holds results of another model or data set, or another process is writing into it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import torch
    >>> from interp.run import start
    >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> with TemporaryDirectory() as folder:
    ...     run = start(network, folder, (torch.rand(40, 2), torch.arange(40) % 2))
    ...     run_stage(run, run.stage("record")).rows
    {'0': 40, '2': 40}
    """
    with _held(run):
        return _run(run, stage, told)


@contextmanager
def _held(run: Run) -> Iterator[None]:
    """Hold a run's folder, its own and free of what killed runs left half-written; all processes look at the same."""
    with locked(run.out, run.ranks):
        _check_alike(run)
        for check in (check_owner, check_names, check_store):
            run.ranks.from_first(partial(check, run))
        run.ranks.from_first(lambda: remove_remains(run.out, [stage.file for stage in run.stages.values()]))
        yield


def _check_alike(run: Run) -> None:
    """See that all processes of a job have opened the same network and data, with the same versions of packages."""
    made = run.provenance
    mine = {"network": made.model_digest, "data": made.data_digest, "versions of packages": dict(made.versions)}
    for rank, theirs in enumerate(run.ranks.told(mine)):
        if names := [name for name, found in theirs.items() if found != mine[name]]:
            found, expected = f"other {' and '.join(names)} than rank {run.ranks.rank}", "the same in all processes"
            raise UsageError(f"rank {rank}", found=found, expected=expected, do="give all machines the same files")


def _run(run: Run, stage: Stage, told: Listener | None) -> Any:
    begun = time.perf_counter()
    provenance = run.ranks.from_first(lambda: stage_provenance(run, stage))
    found = run.file(stage).finished(provenance) if run.ranks.is_first else None
    is_reused = run.ranks.from_first(lambda: found is not None)
    if not is_reused:
        found = _run_anew(run, stage, provenance)
    if not run.ranks.is_first:
        return None
    if is_reused:
        remove_parts(run.path(stage.name))  # of one that was killed before it had removed them
    else:
        keep_timing(run.out, stage.name, time.perf_counter() - begun, provenance.fingerprint)
    if told is not None:
        before = made_in(run.out, stage.name, provenance.fingerprint)
        told(Done(stage, found, time.perf_counter() - begun, is_reused, before))
    return found


def _run_anew(run: Run, stage: Stage, provenance: Provenance) -> Any:
    """Run a stage and write its file; what it found is read back, so that it is the same however it was come by."""
    try:
        with stage.own_faults():
            found = _found(run, stage, provenance)
            run.ranks.from_first(lambda: _written(run, stage, found, provenance))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f" in {stage.name}; {_kept(run.path(stage.name))}") from None
    return run.file(stage).read(is_new=True) if run.ranks.is_first else None


def _found(run: Run, stage: Stage, provenance: Provenance) -> Any:
    """Run a stage, by all processes or by the first; the others then have nothing."""
    ranks = run.ranks if stage.is_divided else ALONE
    if ranks is not run.ranks and not run.ranks.is_first:
        return None
    return stage.run(replace(run, keep=Parts(run.path(stage.name), stage.result, provenance, ranks), ranks=ranks))


def _written(run: Run, stage: Stage, found: Any, provenance: Provenance) -> None:
    """Write what a stage found, after which its parts are of no more use."""
    run.file(stage).write(found, provenance)
    remove_parts(run.path(stage.name))


def _kept(path: Path) -> str:
    """Say what of an interrupted stage, and of those before it, the same command goes on from."""
    if parts_of(path) or path.with_name(f".{path.name}.partial").exists():
        return "finished stages and what is done of this one are kept, and the same command goes on from there"
    return "finished stages are kept, and the same command begins this one again"


def run_stages(run: Run, names: Iterable[str] | None = None, told: Listener | None = None) -> dict[str, Any]:
    """Run stages, after those that they need.

    Parameters
    ----------
    run
        Model, data, options and folder.
    names
        Names of the stages; None for all that the run is asked for.
    told
        Function to call for each stage that has come to its end.

    Returns
    -------
    dict
        Name of each stage that was run -> its results; None in processes of a job other than the first.

    Raises
    ------
    UsageError
        If there is no stage of a name, the folder holds results of another model or data set, or another process is
        writing into it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import torch
    >>> from interp.run import start
    >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> with TemporaryDirectory() as folder:
    ...     run = start(network, folder, (torch.rand(40, 2), torch.arange(40) % 2))
    ...     list(run_stages(run, ["fit"]))
    ['record', 'fit']
    """
    order = needed(run, names)
    with _held(run):
        found: dict[str, Any] = {}
        for name in order:
            stage = run.stage(name)  # one of the user's own might change what it is given
            known = {} if ":" in stage.spec else {key: one for key, one in found.items() if one is not None}
            found[name] = _run(replace(run, found=known), stage, told)
        return found


@checked
def run_all(run: Run, told: Listener | None = None, before: Sequence[Timing] = ()) -> Results:
    """Run every stage that the run is asked for, and judge what was found.

    Parameters
    ----------
    run
        Model, data, options and folder.
    told
        Function to call for each stage that has come to its end.
    before
        Steps before the stages, with the time that each took.

    Returns
    -------
    Results
        Results of all stages with the verdict, ready for `interp.report.write_report`.

    Raises
    ------
    UsageError
        If the folder holds results of another model or data set, or another process is writing into it.

    Examples
    --------
    A folder holds the results of one network; those of another are refused:

    >>> from tempfile import TemporaryDirectory
    >>> from interp.run import start
    >>> with TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
    ...     _ = run_stages(start("zoo/pretrained/abs-digits.pt", folder), ["record"])
    ...     run_all(start("zoo/pretrained/relu-digits.pt", folder)).verdict.headline
    Traceback (most recent call last):
        ...
    interp.errors.UsageError: ...: found results of another model (...abs-digits.pt); expected an empty folder, ...
    """
    done: list[Done] = []

    def listen(one: Done) -> None:
        done.append(replace(one, found=None))  # results are large
        if told is not None:
            told(one)

    found = run_stages(run, told=listen)
    return replace(results_of(run, found), timings=(*before, *(one.timing for one in done)))


def read_run(run: Run) -> Results:
    """Read the results of all stages that the run is asked for from their files.

    Parameters
    ----------
    run
        Model, data, options, and the folder with the files.

    Returns
    -------
    Results
        Results of all stages, with the verdict.

    Raises
    ------
    MismatchError
        If one is missing, or belongs to another model or data set.

    Examples
    --------
    >>> import torch
    >>> from interp.run import start
    >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> read_run(start(network, "missing", (torch.rand(40, 2), torch.arange(40) % 2)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    interp.errors.MismatchError: missing/activations.h5: found ...; run `python -m interp record`
    """
    return results_of(run, {name: run.read(name) for name in needed(run)})


def results_of(run: Run, found: Mapping[str, Any]) -> Results:
    """Judge the results of all stages that a run is asked for.

    Parameters
    ----------
    run
        Model, data, options and folder.
    found
        Name of each of these stages -> its results.

    Returns
    -------
    Results
        Results of all stages, with the verdict.
    """
    stages = [run.stage(name) for name in needed(run)]
    fields = {stage.field: found[stage.name] for stage in stages if stage.field is not None}
    verdict = judge(evidence_of(run, fields))
    return Results(
        model=run.model,
        data=run.data,
        verdict=verdict,
        provenance=run.provenance,
        limits=run.limits,
        not_run=not_run(run),
        extra={stage.name: found[stage.name] for stage in stages if stage.field is None and stage.opened is None},
        made=(made := tuple(_made(run, stage, found[stage.name]) for stage in stages)),
        timings=tuple(Timing(one.stage, made_in(run.out, one.stage, one.fingerprint)) for one in made),
        **(_nothing() | fields),
    )


def _nothing() -> dict[str, Any]:
    """Give the results of stages that were not run, by field of `Results`."""
    layers = ("fits", "boundaries", "prototypes", "clusters", "attribution", "reading")
    return {"effects": no_effects(), **{name: {} for name in layers}}


def evidence_of(run: Run, fields: Mapping[str, Any]) -> Evidence:
    """Gather what a verdict, or alerts alone, are made of; what a stage that was not run gives is missing.

    Parameters
    ----------
    run
        Model, data, options and folder.
    fields
        Field of `Results` -> results, as far as stages were run.

    Returns
    -------
    Evidence
        Model, data and results, with the predictions counted by label where a recording is there.
    """
    names = ("boundaries", "effects", "attribution", "reading", "screening")
    known = {name: fields[name] for name in names if name in fields}
    # the path as it was typed, not made absolute; a module in memory has none
    typed = run.model.format != FORMAT and "load" in run.provenance.settings
    said = {**run.provenance.settings, "checkpoint": run.model.path, "until": run.until} if typed else {}
    kept = stored_samples(len(run.data.train), run.options.store, run.options.recorded_seed)
    return Evidence(
        run.model,
        run.data,
        **known,
        limits=run.limits,
        confusion=confusion_of(run),
        stored=None if kept is None else len(kept),
        samples=samples_behind(run) if "train" in run.wholes and run.path("record").exists() else None,
        said=said,
        not_run=not_run(run),
    )


def _made(run: Run, stage: Stage, found: Any) -> Made:
    fingerprint = run.provenance_of(stage.name).fingerprint
    return Made(stage.name, stage.does.strip(), stage.file, stage.lines(found)[0], fingerprint)

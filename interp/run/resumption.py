"""Runs opened again from their folder: its recording says of what it was made, but does not choose what code is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from interp.checkpoints import LoadOptions
from interp.data import IN_MEMORY, DataOptions, is_code
from interp.errors import MismatchError, UsageError
from interp.run.find import find_stage, stage_of
from interp.run.run import start
from interp.run.settings.begun import as_recorded
from interp.run.settings.options import Options
from interp.run.stage import Run, Stage
from interp.run.stages import WITHOUT_STORE
from interp.store import check_same, open_recording, read_provenance
from interp.store.files import is_there
from interp.store.shards.opening import is_recorded
from interp.tasks import TASKS
from interp.types import Provenance

Said = TypeVar("Said", LoadOptions, DataOptions)


def resume(
    out: str | Path,
    options: Options,
    given: LoadOptions = LoadOptions(),
    data: str | None = None,
    stages: Sequence[str] = (),
    where: DataOptions = DataOptions(),
    said: Collection[str] = (),
) -> Run:
    """Open the model and data that a folder's recording was made from.

    Parameters
    ----------
    out
        Folder of the run.
    options
        Options that shape the results.
    given
        Options of the model that the user says again: needed where they run code, since a recording is a file like any
        other and must not choose what is run. What else is said has to be what the recording was made with.
    data
        Name of the data set that the user says again, needed where it runs code, and where its file was moved.
    stages
        Further stages, each ``package.module:name``.
    where
        Options of the data that the user says again.
    said
        Names of the fields of `given` and `where` that the user said, where one was given its default; any other value
        counts as said.

    Returns
    -------
    Run
        Model, data, options and folder.

    Raises
    ------
    MismatchError
        If there is no recording, or the checkpoint or data have changed since.
    UsageError
        If the recording names code that the user does not, was made with other options than the user says, or the file
        of the network or of the data is not there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from interp.run import run_stages
    >>> with TemporaryDirectory() as folder:
    ...     _ = run_stages(start("zoo/pretrained/abs-digits.pt", folder), ["record"])
    ...     resume(folder, Options()).data.name
    'digits'
    """
    stage, options = _begun(Path(out), options)
    path = Path(out) / stage.file
    found = _provenance(path, stage)
    try:
        kept = found.settings
        load, read = _options(LoadOptions, kept["load"]), _options(DataOptions, kept["data_options"])
        checkpoint, named = str(kept["checkpoint"]), str(kept["data"])
    except (KeyError, TypeError) as error:
        remedy = f"run `{stage.command}`"
        raise MismatchError(path, found="no model and data", expected="those it was made of", do=remedy) from error
    if checkpoint.startswith("<") or named.endswith(IN_MEMORY):
        raise MismatchError(
            path,
            found=f"results of {checkpoint} on {named}",
            expected="a network and data that can be opened again",
            do="call interp.analyse again with out= this folder",
        )
    _check_trust(path, (load, named), (given, data))
    _check_alike(path, said, (load, given), (read, where))
    named = named if data is None else data
    _check_there(path, checkpoint, named)
    run = start(checkpoint, out, named, load, read, options, stages=stages)
    check_same(path, found, run.provenance, stage.command)
    return run


def as_begun(out: str | Path, options: Options) -> Options:
    """Give options that say of what is recorded what the recording of a folder, or the statistics in its place, says.

    Parameters
    ----------
    out
        Folder of a run, which need not be there.
    options
        Options that shape the results.

    Returns
    -------
    Options
        Options of the folder on what is recorded, and how; the others as they are given.

    Raises
    ------
    MismatchError
        If the recording holds values that no option has.

    Examples
    --------
    >>> as_begun("missing", Options(seed=3)) == Options(seed=3)
    True
    """
    return _begun(Path(out), options)[1]


def _begun(out: Path, options: Options) -> tuple[Stage, Options]:
    """Give the first stage of a folder's run, with or without stored activations, and the options that go with it."""
    recorded, without = find_stage("record"), stage_of(WITHOUT_STORE["record"])
    is_stored = is_recorded(out / recorded.file) or not is_there(out / without.file)
    stage = recorded if is_stored else without
    path, options = out / stage.file, replace(options, store=(options.store or True) if is_stored else False)
    found = _made_of(path, stage)
    return stage, options if found is None else as_recorded(options, found, path)


def _made_of(path: Path, stage: Stage) -> Provenance | None:
    """Read what a recording was made of; None where there is none, or it is damaged, which stages that need it say."""
    with suppress(MismatchError):
        return read_provenance(path, stage.command)
    return None


def _provenance(path: Path, stage: Stage) -> Provenance:
    if stage.opened is None:
        return read_provenance(path, stage.command)
    with open_recording(path) as recording:
        return recording.provenance


def _options(kind: type[Said], kept: Any) -> Said:
    """Give options read from a file; raise `TypeError` or `KeyError` where one is unknown, or not of its type."""
    types = get_type_hints(kind)
    if not isinstance(kept, Mapping) or not all(isinstance(value, types[name]) for name, value in kept.items()):
        raise TypeError(f"no {kind.__name__}")
    return kind(**kept)


def _check_trust(path: Path, said: tuple[LoadOptions, str], given: tuple[LoadOptions, str | None]) -> None:
    """Refuse to run code that a recording names, unless the user names it too."""
    (load, named), (ours, data) = said, given
    code = {
        f"--model {load.model}": load.model is not None and load.model != ours.model,
        "--allow-pickle": bool(load.allow_pickle) and not ours.allow_pickle,
        f"--task {load.task}": load.task not in (None, ours.task, *TASKS),
        f"--format {load.format}": ":" in (load.format or "") and load.format != ours.format,
        f"--data {named}": is_code(named) and named != data,
    }
    needed = [option for option, is_missing in code.items() if is_missing]
    if needed:
        raise UsageError(
            path,
            found=f"a recording made with {' '.join(needed)}",
            expected="the same on this command, since it runs code",
            do="add it if you trust it",
        )


FREE = ("allow_pickle", "seed", "root", "offline")
"""Options that may be said anew: they do not shape what is read of a file; each stage has a seed of its own."""


def _check_alike(path: Path, said: Collection[str], *made_and_given: tuple[Any, Any]) -> None:
    """Refuse options of the network or the data that the recording was not made with; they would change nothing."""
    for made, given in made_and_given:
        for each in (each for each in fields(given) if each.name not in FREE):
            ours, theirs = getattr(given, each.name), getattr(made, each.name)
            if ours == theirs or (ours == each.default and each.name not in said):
                continue
            flag = f"--{each.name.replace('_', '-')}"
            raise UsageError(
                path,
                found=f"a recording made with{'out' if theirs == each.default else ''} {flag}"
                f"{'' if theirs == each.default else f' {theirs}'}, and {flag} {ours} here",
                expected="the same on this command",
                do=f"leave {flag} out, or record with it into another folder",
            )


def _check_there(path: Path, checkpoint: str, data: str) -> None:
    """Refuse a network or data whose file is not where it was; a name may hold no path at all."""
    for what, name, flag in (("network", checkpoint, "the network, its data with --data"), ("data", data, "--data")):
        if Path(name).suffix and not {":", ","} & set(name) and not is_there(Path(name)):
            raise UsageError(
                path,
                found=f"results of the {what} {name}, which is not there",
                expected="a file, seen from the folder that the command runs in",
                do=f"give {flag} by its path of now",
            )

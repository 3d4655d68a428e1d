"""Runs made of a checkpoint, or of a model and data that are loaded."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from interp.checkpoints import LoadOptions, Network, load_model
from interp.checkpoints.architectures.named import is_named
from interp.data import DataOptions
from interp.data.streams.drawn import Whole, drawn, with_digests
from interp.data.together import Together
from interp.errors import UsageError, unknown_name
from interp.interventions import check_options, same_architecture
from interp.ranks import current
from interp.recording.kept import store_of
from interp.run.find import all_stages, not_run
from interp.run.fingerprint import stage_provenance
from interp.run.settings.begun import check_recording
from interp.run.settings.looked_at import QUICK_LAYERS, layers_left_out, looking_at, quick_layers
from interp.run.settings.options import Options, left_out, within_limits
from interp.run.stage import Run
from interp.run.stages import SEVERAL, STAGES
from interp.types import Dataset, Limit, LoadedModel, Provenance, as_json
from interp.types.annotations.edge import checked

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "captum", "h5py", "interp")


@checked
def start(
    checkpoint: Network,
    out: str | Path,
    data: Any = None,
    load: LoadOptions = LoadOptions(),
    data_options: DataOptions = DataOptions(),
    options: Options = Options(),
    others: Sequence[Network] = (),
    stages: Sequence[str] = (),
    until: str = "",
    overwrite: bool = False,
) -> Run:
    """Open a network and its data for the stages to run on.

    Parameters
    ----------
    checkpoint
        File of the network, the name of an architecture, or a module in memory, which stages then run inside
        `interp.checkpoints.as_found`.
    out
        Output folder, which need not be there.
    data
        Data set or whatever `interp.data.load_dataset` takes as one; None for the one that a zoo checkpoint names.
    load
        Options of how the network is opened.
    data_options
        Options of where data are found.
    options
        Options that shape the results.
    others
        Further networks of the same architecture, for tests over several networks.
    stages
        Further stages, each ``package.module:name``.
    until
        Name of the last of our stages that runs before the page, of `interp.run.STAGES`; empty for all.
    overwrite
        Whether what the folder holds will be removed: else a quick look takes all layers where it holds all.

    Returns
    -------
    Run
        Model, data, options and folder; nothing is written yet.

    Raises
    ------
    CheckpointError
        If a network cannot be read or run.
    DataError
        If the data cannot be used.
    UsageError
        If no data set is named, by the user or by the checkpoint; if the options name a layer, node or intervention
        that does not exist; if there is no stage to end with of that name; or if one of the others has another
        architecture.

    Examples
    --------
    >>> run = start("zoo/pretrained/abs-digits.pt", "my-run")
    >>> [layer.name for layer in run.model.layers], run.data.name
    (['hidden', 'output'], 'digits')
    """
    if until:
        _check_until(until)  # before the long work
    data, wholes = (data, {}) if options.store else drawn(data, current())
    read = data if data is None else Together(data, current())
    model, dataset = load_model(checkpoint, read, load, data_options)
    if dataset is None:
        raise UsageError(
            model.path,
            found="no data set",
            expected="the data it was trained on",
            do="pass --data digits, mnist or a file",
        )
    models = [model]
    for other in others:
        further, _ = load_model(other, dataset, load)
        same_architecture(models, further)
        models.append(further)
    said = {
        "checkpoint": _said_of(checkpoint, model),
        "data": dataset.name,
        "data_options": asdict(data_options),
        "load": asdict(load),
    }
    dataset = with_digests(dataset, wholes)
    for split, whole in wholes.items():
        whole.check(dataset.splits[split])

    def made(names: tuple[str, ...]) -> Run:
        seen, *further = (looking_at(one, names) for one in models)
        settings = {**said, **({QUICK_LAYERS: list(names)} if names else {})}
        run = run_on(seen, dataset, out, options, settings, further, stages, until)
        left = (*layers_left_out(seen, names), *run.limits, *_held(dataset, wholes))
        return replace(run, wholes=wholes, limits=left)

    names = quick_layers(model, options) if load.only is None else ()
    run = made(names)
    if names and options.quick_layers is None and not overwrite:
        every = made(())
        return every if _is_recorded(every) else run
    return run


def _is_recorded(run: Run) -> bool:
    """Tell whether a run's folder holds the recording that it would make, or the statistics in its place."""
    stage = run.stage("record")
    return run.ranks.from_first(lambda: run.file(stage).finished(stage_provenance(run, stage)) is not None)


def _check_until(until: str) -> None:
    if until not in STAGES:
        raise unknown_name("stage", until, STAGES)


def _held(data: Dataset, wholes: Mapping[str, Whole]) -> Iterator[Limit]:
    """Yield the splits of which some samples are held, where the number of all is known."""
    for split, whole in wholes.items():
        if whole.samples is not None:
            what = f"samples of the {split} split by all but statistics and fits"
            yield Limit(what, len(data.splits[split]), whole.samples, "drawn at random", "leaving out --no-store")


def _said_of(checkpoint: str | Path | nn.Module, model: LoadedModel) -> str:
    """Give what a network is opened with again; of one in memory what it is called."""
    if isinstance(checkpoint, nn.Module) or is_named(checkpoint):
        return model.path
    return str(Path(checkpoint).resolve())


def run_on(
    model: LoadedModel,
    data: Dataset,
    out: str | Path,
    options: Options = Options(),
    said: Mapping[str, Any] | None = None,
    others: Sequence[LoadedModel] = (),
    stages: Sequence[str] = (),
    until: str = "",
) -> Run:
    """Make a run of a model and data that are loaded.

    Parameters
    ----------
    model
        Loaded network.
    data
        Data set that it is looked at with.
    out
        Output folder, which need not be there.
    options
        Options that shape the results.
    said
        Description of model and data by the user, JSON-able, to be saved with the results; None for their names.
    others
        Further networks of its architecture, for tests over several networks.
    stages
        Further stages, each ``package.module:name``.
    until
        Name of the last of our stages that runs before the page, of `interp.run.STAGES`; empty for all.

    Returns
    -------
    Run
        Model, data, options and folder; nothing is written yet.

    Raises
    ------
    UsageError
        If the options name a layer, node or intervention that does not exist, or say how to store what is not stored.

    Examples
    --------
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> list(run_on(model, data, "my-run").stages)[:3]
    ['record', 'fit', 'boundaries']
    """
    options = replace(options, store=store_of(options.store, "options.store"))
    check_recording(options)
    check_options(model, options.interventions)  # before the long work
    used = within_limits(options, model, data)
    settings = {
        **({"checkpoint": model.path, "data": data.name} if said is None else said),
        "reading": {fact: found.value for fact, found in model.inferred.items()},
        "options": asdict(used),
    }
    provenance = Provenance(model.digest, data.digest, used.seed, versions(), as_json(settings, exact=True))
    known = all_stages(*([SEVERAL] if others else []), *stages, store=bool(used.store))
    run = Run(model, data, Path(out), used, provenance, known, (), tuple(others), ranks=current(), until=until)
    left = not_run(run)
    return replace(run, limits=(*_stages(run, left), *left_out(options, used, model, data, left)))


def _stages(run: Run, left: Sequence[str]) -> Iterator[Limit]:
    """Yield the stages that a run is asked for, where those are not all."""
    if left:
        of, rule = len(run.stages), f"up to {run.until}, as asked; not run: {', '.join(left)}"
        yield Limit("stages of the analysis", of - len(left), of, rule, "leaving out --until")


def versions() -> dict[str, str]:
    """Give the versions of everything that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}

"""One run: a loaded model, its data, the settings that shape its results, and the folder they live in."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from interp.checkpoints import LoadOptions, Network, load_model
from interp.checkpoints.architectures.named import is_named
from interp.data import DataOptions
from interp.errors import UsageError, unknown_name
from interp.interventions import check_options, same_architecture
from interp.run.files import provenance_of, read_stage
from interp.run.settings.options import Options, left_out, within_limits
from interp.run.stage import Stage
from interp.run.stages import SEVERAL, all_stages
from interp.types import Dataset, Limit, LoadedModel, Provenance, as_json
from interp.types.annotations.edge import checked
from interp.types.parts import Keep, made_now
from interp.types.shown import ShortRepr

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "captum", "h5py", "interp")


@dataclass(frozen=True, repr=False)
class Run(ShortRepr):
    """A loaded model, its data, and the folder its results live in.

    Attributes
    ----------
    model
        Network that is looked at.
    data
        Data set that it is looked at with.
    out
        Output folder.
    options
        Options within the limits of the network's size.
    provenance
        Model, data, versions and all options, to be saved with the results.
    limits
        Parts of the network that the options leave out.
    others
        Further networks of its architecture, for tests over several networks.
    stages
        Stages by name, in the order in which they run.
    keep
        Function that gives each part of the stage that is running, kept from before an interrupt or made now.
    """

    model: LoadedModel
    data: Dataset
    out: Path
    options: Options
    provenance: Provenance
    limits: tuple[Limit, ...] = ()
    others: tuple[LoadedModel, ...] = ()
    stages: Mapping[str, Stage] = field(default_factory=all_stages)
    keep: Keep = made_now

    def stage(self, name: str) -> Stage:
        """Find a stage by name.

        Parameters
        ----------
        name
            Name of the stage.

        Raises
        ------
        UsageError
            If there is none of that name; the line says which are close.
        """
        if name not in self.stages:
            raise unknown_name("stage", name, self.stages)
        return self.stages[name]

    def path(self, stage: str) -> Path:
        """Give the path of the file that a stage writes.

        Parameters
        ----------
        stage
            Name of the stage.
        """
        return self.out / self.stage(stage).file

    def read(self, stage: str) -> Any:
        """Read what a stage found: layer name -> result, or one result of the whole network.

        Parameters
        ----------
        stage
            Name of the stage.

        Raises
        ------
        MismatchError
            If its file is missing, damaged, or belongs to another model or data set.
        """
        return read_stage(self, self.stage(stage))[0]

    def provenance_of(self, stage: str) -> Provenance:
        """Read the provenance of a stage's file; errors as of `read`.

        Parameters
        ----------
        stage
            Name of the stage.
        """
        return provenance_of(self, self.stage(stage))


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
        that does not exist; or if one of the others has another architecture.

    Examples
    --------
    >>> run = start("zoo/pretrained/abs-digits.pt", "my-run")
    >>> [layer.name for layer in run.model.layers], run.data.name
    (['hidden', 'output'], 'digits')
    """
    model, dataset = load_model(checkpoint, data, load, data_options)
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
    return run_on(model, dataset, out, options, said, models[1:], stages)


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

    Returns
    -------
    Run
        Model, data, options and folder; nothing is written yet.

    Raises
    ------
    UsageError
        If the options name a layer, node or intervention that does not exist.

    Examples
    --------
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> list(run_on(model, data, "my-run").stages)[:3]
    ['record', 'fit', 'boundaries']
    """
    check_options(model, options.interventions)  # before the long work
    used = within_limits(options, model, data)
    settings = {
        **({"checkpoint": model.path, "data": data.name} if said is None else said),
        "reading": {fact: found.value for fact, found in model.inferred.items()},
        "options": asdict(used),
    }
    provenance = Provenance(model.digest, data.digest, used.seed, versions(), as_json(settings, exact=True))
    limits, known = left_out(options, used, model, data), all_stages(*([SEVERAL] if others else []), *stages)
    return Run(model, data, Path(out), used, provenance, limits, tuple(others), known)


def versions() -> dict[str, str]:
    """Give the versions of everything that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}

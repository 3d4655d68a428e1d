"""One run: a loaded model, its data, the settings that shape its results, and the folder they live in."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.architectures.named import is_named
from interp.data import DataOptions, is_code
from interp.errors import MismatchError, UsageError
from interp.interventions import check_options, same_architecture
from interp.run.options import Options, left_out, within_limits
from interp.store import check_same, open_recording
from interp.types import Dataset, Limit, LoadedModel, Provenance

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "captum", "h5py", "interp")

FILES = {
    "record": "activations.h5",
    "fit": "gaussians.h5",
    "boundaries": "boundaries.h5",
    "prototypes": "prototypes.h5",
    "clusters": "clusters.h5",
    "intervene": "effects.h5",
    "attribute": "attribution.h5",
}
"""Stage -> file in the output folder."""


@dataclass(frozen=True)
class Run:
    """A loaded model, its data, and the folder its results live in.

    Attributes
    ----------
    out
        Output folder.
    limits
        What of the network is not looked at, under the options.
    """

    model: LoadedModel
    data: Dataset
    out: Path
    options: Options
    provenance: Provenance
    limits: tuple[Limit, ...] = ()

    def path(self, stage: str) -> Path:
        """Give the file that a stage writes."""
        return self.out / FILES[stage]


def start(
    checkpoint: str | Path,
    out: str | Path,
    data: str | Dataset | None = None,
    load: LoadOptions = LoadOptions(),
    data_options: DataOptions = DataOptions(),
    options: Options = Options(),
) -> Run:
    """Open a checkpoint and its data for the stages to run on.

    Raises
    ------
    UsageError
        If no data set is named, by the user or by the checkpoint, or the options name a layer, node or intervention
        that does not exist.
    """
    model, dataset = load_model(checkpoint, data, load, data_options)
    if dataset is None:
        raise UsageError(
            str(checkpoint),
            found="no data set",
            expected="the data it was trained on",
            do="pass --data digits, mnist or a file",
        )
    check_options(model, options.interventions)  # before the long work
    asked, options = options, within_limits(options, model, dataset)
    settings = {
        "checkpoint": str(checkpoint) if is_named(checkpoint) else str(Path(checkpoint).resolve()),
        "data": dataset.name,
        "data_options": asdict(data_options),
        "load": asdict(load),
        "reading": {fact: said.value for fact, said in model.inferred.items()},
        "options": asdict(options),
    }
    provenance = Provenance(model.digest, dataset.digest, options.seed, versions(), _as_json(settings))
    return Run(model, dataset, Path(out), options, provenance, left_out(asked, options, model, dataset))


def resume(out: Path, options: Options, given: LoadOptions = LoadOptions(), data: str | None = None) -> Run:
    """Open the model and data that a folder's recording was made from.

    Parameters
    ----------
    given, data
        What the user says again of model and data: needed where it runs code, since a recording is a file like any
        other and must not choose what is run.

    Raises
    ------
    MismatchError
        If there is no recording, or the checkpoint or data have changed since.
    UsageError
        If the recording names code that the user does not.
    """
    path = out / FILES["record"]
    with open_recording(path) as recording:
        found = recording.provenance
    try:
        said = found.settings
        load, where = LoadOptions(**_plain(said["load"])), DataOptions(**_plain(said["data_options"]))
        checkpoint, named = str(said["checkpoint"]), str(said["data"])
    except (KeyError, TypeError) as error:
        remedy = f"run `{command_of('record')}`"
        raise MismatchError(path, found="no model and data", expected="those it was made of", do=remedy) from error
    _check_trust(path, (load, named), (given, data))
    run = start(checkpoint, out, named, load, where, options)
    check_same(out / FILES["record"], found, run.provenance, command_of("record"))
    return run


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give options read from a file; raise `TypeError` where one is of no option's type."""
    if not all(value is None or isinstance(value, (str, int)) for value in options.values()):
        raise TypeError("options that are no text and no numbers")
    return dict(options)


def _check_trust(path: Path, said: tuple[LoadOptions, str], given: tuple[LoadOptions, str | None]) -> None:
    """Refuse to run code that a recording names, unless the user names it too."""
    (load, named), (ours, data) = said, given
    code = {
        f"--model {load.model}": load.model is not None and load.model != ours.model,
        "--allow-pickle": bool(load.allow_pickle) and not ours.allow_pickle,
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


RUNS_FILE = "runs.h5"
"""What several networks have in common, in the output folder."""


def start_others(run: Run, checkpoints: Sequence[str | Path]) -> list[LoadedModel]:
    """Open further networks of a run's architecture, each read as its own file demands.

    Raises
    ------
    UsageError
        If one has other layers, or is the same file again.
    """
    said = run.provenance.settings
    load, models = LoadOptions(**said["load"]), [run.model]
    for checkpoint in checkpoints:
        model, _ = load_model(checkpoint, run.data, load)
        same_architecture(models, model)
        models.append(model)
    return models[1:]


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_json(part) for key, part in value.items()}
    return [_as_json(part) for part in value] if isinstance(value, (list, tuple)) else value


def versions() -> dict[str, str]:
    """Give the versions of everything that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def command_of(stage: str) -> str:
    """Give the command that makes a stage's file anew."""
    return f"python -m interp {stage}"

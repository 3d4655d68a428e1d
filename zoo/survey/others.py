"""Networks that others trained and published: opened as a user would, and read like those of the survey."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from tqdm import tqdm

from interp.checkpoints import LoadOptions, load_model
from interp.data import load_dataset
from interp.errors import InterpError
from interp.recording.positions import position_counts
from interp.types import Dataset, LoadedModel, Split
from interp.verdict.reading.networks.subject import subject
from interp.verdict.reading.read import drawn
from interp.verdict.reading.work import work_of
from zoo.finished import add_finished, read_finished
from zoo.survey.reading import SAMPLES, Fresh, copies, rows_at

IMAGES = 100
"""Number of test samples of a network with convolutions: each has many positions."""
MOST_WORK = 5e12
"""Largest number of multiplications that is spent on one network: four minutes of one core take 4e12."""
PAPERS = "(x/255-0.1307)/0.3081"
"""Scaling of the inputs of as-NN's networks."""


@dataclass(frozen=True)
class Other:
    """A network that somebody published.

    Attributes
    ----------
    name
        Name in the tables.
    group
        Who published it: ``papers`` or ``others``.
    path
        File of the network.
    data
        Data set that it was trained on: ``mnist``, ``iris`` or a file.
    stated
        Facts that its authors state.
    """

    name: str
    group: str
    path: Path
    data: str
    stated: LoadOptions


def others_in(folder: Path) -> list[Other]:
    """List the networks in a folder of published checkpoints.

    Parameters
    ----------
    folder
        Folder with ``published/experiment2/CONDITION/NNN.pt``, ``published/lenet/ACTIVATION_N.pth`` and
        ``third_party/NAME/facts.json``; what is missing is left out.
    """
    published = folder / "published"
    return [*_perceptrons(published), *_of_others(folder / "third_party"), *_lenets(published)]


def _perceptrons(folder: Path) -> Iterator[Other]:
    for path in sorted(folder.glob("experiment2/*/*.pt")):
        condition = path.parent.name
        stated = LoadOptions(scaling=PAPERS, activation=condition.removesuffix("-sampled"), output="negated-activation")
        yield Other(f"as-NN {condition} {path.stem}", "papers", path, "mnist", stated)


def _lenets(folder: Path) -> Iterator[Other]:
    for path in sorted(folder.glob("lenet/*.pth")):
        stated = LoadOptions(scaling="raw", activation=path.stem.split("_")[0])
        yield Other(f"LeNet {path.stem}", "papers", path, "mnist", stated)


def _of_others(folder: Path) -> Iterator[Other]:
    for file in sorted(folder.glob("*/facts.json")):
        facts = json.loads(file.read_text())
        if facts["activation"] == "-":  # no network
            continue
        scaling = "raw" if facts["normalization"].startswith("none") else facts["normalization"]
        stated = LoadOptions(scaling=scaling, activation=facts["activation"].split(",")[0].split()[0])
        data = {"MNIST": "mnist", "iris": "iris"}.get(facts["dataset"], str(file.with_name("test_data.npz")))
        yield Other(file.parent.name, "others", file.with_name(Path(facts["file"]).name), data, stated)


def rows_of_others(folder: Path, file: Path, mnist: Callable[[], Dataset]) -> pd.DataFrame:
    """Read what of the networks in a folder is not in the file yet; give the rows of all.

    A network that was not read is tried again the next time.

    Parameters
    ----------
    folder
        Folder as of `others_in`.
    file
        Lines of JSON, one a network; made or continued.
    mnist
        Function that opens MNIST.

    Returns
    -------
    DataFrame
        A row for every hidden layer that was read; one with ``why`` for a network that was not.
    """
    known = {one["network"]: one["rows"] for one in read_finished(file)}
    known = {name: rows for name, rows in known.items() if "why" not in rows[0]}
    fresh: Fresh = {}
    for one in tqdm([one for one in others_in(folder) if one.name not in known], "others read", disable=None):
        known[one.name] = _rows(one, mnist, fresh)
        if "why" not in known[one.name][0]:
            add_finished(file, {"network": one.name, "rows": known[one.name]})
    return pd.DataFrame([row for one in others_in(folder) for row in known[one.name]])


def _rows(one: Other, mnist: Callable[[], Dataset], fresh: Fresh) -> list[dict[str, Any]]:
    facts = {"group": one.group, "network": one.name}
    try:
        model, data = load_model(one.path, _data(one.data, mnist), one.stated)
    except InterpError as error:
        return [facts | {"why": str(error).splitlines()[0].replace(f"{one.path.parent}/", "")}]
    assert data is not None, "data were given"
    layers, samples = model.layers[:-1], samples_of(model, data)
    work = 2 * copies(len(layers)) * samples * work_of(model, layers, position_counts(model, data))
    if work > MOST_WORK:
        return [facts | {"why": f"it takes {work:.0e} multiplications; at most {MOST_WORK:.0e} are spent on one"}]
    return [facts | row for row in read_model(model, data, samples, fresh)]


def samples_of(model: LoadedModel, data: Dataset) -> int:
    """Give the number of samples that a network is read on: fewer where a layer has several positions."""
    return IMAGES if max(position_counts(model, data).values()) > 1 else SAMPLES


def read_model(model: LoadedModel, data: Dataset, samples: int, fresh: Fresh) -> list[dict[str, Any]]:
    """Read the hidden layers of a loaded network, a row for each.

    Parameters
    ----------
    model
        Network that is read.
    data
        Data set; where it has no test split, half of the only one is read.
    samples
        Largest number of samples.
    fresh
        Measurements of fresh copies that are known already; new ones are added.
    """
    layers = model.layers[:-1]
    split, rows, norms = drawn(data, samples, 0)
    made = subject(model, layers, rows, norms)
    facts = {
        "data": Path(data.name).stem,
        "activation": model.layers[0].activation,
        "depth": len(layers),
        "accuracy": float(model.scores.get("test", np.nan)),
        "samples": len(rows),
        "split": split,
        "classes": len(data.classes),
        "trained": model.inferred["trained"].value is not False,
    }
    read = rows_at(made.network, made.cut, made.inputs, made.norm_inputs, fresh)
    return [facts | {"name": layer.name} | row for layer, row in zip(layers, read, strict=True)]


def _data(name: str, mnist: Callable[[], Dataset]) -> Dataset:
    if name == "mnist":
        return mnist()
    if name == "iris":
        found = load_iris()
        split = Split(found.data, found.target)
        return Dataset("iris", {"train": split}, None, tuple(found.target_names), tuple(found.feature_names), "iris")
    return load_dataset(name)

"""``python -m zoo reproduce reading``: what the layers of many trained networks are read as."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from interp.data import load_dataset
from interp.errors import InterpError
from interp.types import Dataset
from zoo.papers.options import ReproduceOptions, nothing_finished
from zoo.papers.report.page import Page
from zoo.survey import telling
from zoo.survey.coherence import coherence_of_all
from zoo.survey.networks import PACE, SEEDS, Condition, conditions
from zoo.survey.others import rows_of_others
from zoo.survey.page import write
from zoo.survey.planted import planted_rarity
from zoo.survey.reading import SAMPLES
from zoo.survey.rows import Survey
from zoo.survey.store import rows_of_all
from zoo.training.evaluate import scaled
from zoo.training.snapshots import snapshot_epochs, snapshot_path

FOLDER = "reading"
COHERENCE_SEEDS = 3
"""Number of networks a condition whose coherence is measured: mixtures take longer than all else."""
COHERENCE_EPOCHS = (0, 2, 8)
"""Epochs whose snapshots' coherence is measured, beside the end's."""
TRAINING_ROWS = 2_500
"""Number of training samples that networks of others are opened with."""
ALONG = [Condition("digits", activation, 2) for activation in ("relu", "abs", "tanh")]
"""Conditions whose networks are saved along their training."""


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, read it, and write ``reports/reading``.

    Parameters
    ----------
    options
        Size of the survey, and its folders; a data set that is not found is left out, and the page says so.

    Returns
    -------
    Path
        Path of the report's ``README.md``.

    Raises
    ------
    UsageError
        If no network is finished and none is to be trained, a loss stops being finite, or a folder cannot be written.
    MismatchError
        If a checkpoint of that name holds another training.

    Examples
    --------
    >>> from interp.data import DataOptions
    >>> nowhere = Path("nowhere")
    >>> reproduce(ReproduceOptions(data=DataOptions("nowhere", offline=True), trained=nowhere, train=False))
    Traceback (most recent call last):
    interp.errors.UsageError: nowhere/reading: found no finished network; expected one at least; leave out --finished
    """
    data, missing = data_sets(options)
    finished = dict(sorted(networks(options, data), key=seed_of))
    folder = options.trained / FOLDER
    if not finished:
        raise nothing_finished(folder)
    rows = rows_of_all(finished, folder / "rows.jsonl").assign(source="survey")
    saved = dict(snapshots(options, data["digits"]))
    along = rows_of_all(saved, folder / "along.jsonl", shuffle=False).assign(source="survey")
    others = pd.DataFrame()
    if options.others is not None:
        others = rows_of_others(options.others, folder / "others.jsonl", lambda: few_training_rows(data["mnist"]))
        others = others.assign(source=others["group"].where(others["group"] == "papers", others["network"]))
    page = Page(options.reports / FOLDER, "What trained networks read: a survey")
    coherence = pd.DataFrame(coherence_of_all(dict(coherent(options, data["digits"])), folder / "coherence.jsonl"))
    survey = Survey(rows, along, others, missing, coherence, planted_rarity())
    telling.pages(survey, options.reports)
    return write(page, survey)


def few_training_rows(data: Dataset) -> Dataset:
    """Keep as many training samples as opening a network takes, and all test samples."""
    return replace(data, splits={**data.splits, "train": data.train.take(np.arange(TRAINING_ROWS))})


def data_sets(options: ReproduceOptions) -> tuple[dict[str, Dataset], list[str]]:
    """Open the survey's data sets; also name those that are not there."""
    opened, missing = {}, []
    for name in PACE:
        try:
            opened[name] = load_dataset(spelled(name, options), options.data)
        except InterpError:
            missing.append(name)
    return opened, missing


def spelled(name: str, options: ReproduceOptions) -> str:
    """Say under which name or path a data set opens: those that nobody hosts are files in the folder of data sets."""
    folder = options.data.root or os.environ.get("INTERP_DATA")
    file = Path(folder or ".") / f"{name}.npz"
    return str(file) if file.is_file() else name


def networks(options: ReproduceOptions, data: Mapping[str, Dataset]) -> Iterator[tuple[Path, Tensor]]:
    """Give every finished network of the survey with the inputs to read it on."""
    for condition in conditions():
        if condition.data in data:
            recipe, opened = condition.recipe(spelled(condition.data, options)), data[condition.data]
            inputs = scaled(opened, recipe)["test"][0][:SAMPLES].clone()
            paths = options.networks(recipe, options.runs or SEEDS, opened, FOLDER, along=condition in ALONG)
            yield from ((path, inputs) for path in paths)


def snapshots(options: ReproduceOptions, digits: Dataset) -> Iterator[tuple[Path, Tensor]]:
    """Give the networks as they were along their training, and as they ended."""
    folder = options.trained / FOLDER
    for condition in ALONG:
        recipe = condition.recipe()
        inputs = scaled(digits, recipe)["test"][0][:SAMPLES].clone()
        for path in options.networks(recipe, options.runs or SEEDS, digits, FOLDER, along=True):
            seed = int(path.stem.rsplit("-", 1)[1])
            yield from ((snapshot_path(folder, recipe, seed, epoch), inputs) for epoch in snapshot_epochs(recipe))
            yield path, inputs


def coherent(options: ReproduceOptions, digits: Dataset) -> Iterator[tuple[Path, tuple[Tensor, Tensor]]]:
    """Give the networks whose coherence is measured, along their training, with their training samples."""
    folder = options.trained / FOLDER
    for condition in ALONG:
        recipe = condition.recipe()
        train = scaled(digits, recipe)["train"]
        for path in options.networks(recipe, options.runs or SEEDS, digits, FOLDER, along=True)[:COHERENCE_SEEDS]:
            seed = seed_of((path, train[0]))
            yield from ((snapshot_path(folder, recipe, seed, epoch), train) for epoch in COHERENCE_EPOCHS)
            yield path, train


def seed_of(network: tuple[Path, Tensor]) -> int:
    """Give the seed in the name of a checkpoint: one network of every condition is read before the next ones."""
    return int(network[0].stem.rsplit("-", 1)[1])

"""What a network is asked for, from its targets and the number of its outputs."""

from __future__ import annotations

from dataclasses import replace

from interp.errors import UsageError
from interp.tasks.classes import BINARY
from interp.tasks.several_labels import MULTI_LABEL
from interp.tasks.targets import seen
from interp.tasks.task import Task
from interp.tasks.tasks import ASSUMED, TASKS, find_task
from interp.tasks.values import REGRESSION
from interp.types import Dataset, Inference, Split


def infer_task(data: Dataset | None, outputs: int, given: str | None, form: str = "") -> Inference:
    """Tell what a network is asked for, from its data and its number of outputs.

    Parameters
    ----------
    data
        Data set of the network; None if it is not known.
    outputs
        Number of outputs of the network, C.
    given
        Name of the task as the user gave it; None where it is to be inferred.
    form
        Form of the outputs, as in `LoadedModel.output`, where the network itself shows it; empty where it is not known.

    Returns
    -------
    Inference
        Name of the task, with the evidence for it; where neither labels nor the form of the outputs tell, a guess that
        names what else is asked of such a network.

    Raises
    ------
    DataError
        If the network cannot give the labels or targets of these data.
    UsageError
        If the data have no targets for the task that the user named.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> infer_task(load_dataset("digits"), 10, None).value
    'classification'
    """
    if given:
        found = Inference(given, "certain", "given with --task")
    else:
        found = _without_labels("no data", outputs, form) if data is None else _guess(data, outputs, form)
    if data is not None:
        name = str(found.value)
        _check(data_for(data, name, outputs), find_task(name), outputs, found)
    return found


def data_for(data: Dataset, name: str, outputs: int) -> Dataset:
    """Give data with the targets of a task: labels as measured values, or as zeros and ones, where it asks for them.

    Parameters
    ----------
    data
        Data set with labels or targets.
    name
        Name of the task.
    outputs
        Number of outputs of the network, C.

    Returns
    -------
    Dataset
        Data set with targets, and without labels; the very same where the task takes labels and targets as they are.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> data_for(load_dataset("digits"), "regression", 1).train.targets.shape
    (1437, 1)
    """
    task = find_task(name)
    if data.train.targets is not None and not task.takes_targets(seen(data, outputs)):
        splits = {key: replace(split, targets=None) for key, split in data.splits.items()}
        data = replace(data, splits=splits)
    if task.from_labels is None or data.train.labels is None:
        return data
    return replace(
        data, splits={key: _with_targets(split, task, outputs) for key, split in data.splits.items()}, classes=()
    )


def _with_targets(split: Split, task: Task, outputs: int) -> Split:
    if split.labels is None:
        return split
    assert task.from_labels is not None
    return replace(split, labels=None, targets=task.from_labels(split.labels, outputs))


def _guess(data: Dataset, outputs: int, form: str) -> Inference:
    facts = seen(data, outputs)
    for name, task in TASKS.items():
        if evidence := task.recognised(facts):
            return Inference(name, "likely", evidence)
    return _without_labels("the data have no labels", outputs, form)


def _without_labels(why: str, outputs: int, form: str) -> Inference:
    """Go by what the network ends in: probabilities are of classes. What ends in sums is guessed, and may be others."""
    if outputs == 1:
        if form == "sigmoid":
            return Inference(BINARY.name, "likely", f"{why}; the one output is a probability, behind a sigmoid")
        return Inference(BINARY.name, "uncertain", f"assumed: {why}; one output may be {REGRESSION.name} as well")
    if form in ("softmax", "log-softmax"):
        return Inference(
            ASSUMED.name, "likely", f"{why}; the outputs are probabilities that add up to 1, or their logarithms"
        )
    others = f"{outputs} outputs may be {MULTI_LABEL.name} or {REGRESSION.name} as well"
    return Inference(ASSUMED.name, "uncertain", f"assumed: {why}; {others}")


def _check(data: Dataset, task: Task, outputs: int, found: Inference) -> None:
    """Raise an error where a network with so many outputs cannot give the labels or targets of the data."""
    for name, split in data.splits.items():
        values = task.answers(split)
        if values is not None:
            task.check(f"{data.name} ({name})", values, outputs)
        elif found.confidence == "certain" and (split.labels is not None or split.targets is not None):
            raise UsageError(
                f"--task {found.value}",
                found=f"other targets in {data.name}",
                expected="class indices for it",
                do="leave it out",
            )

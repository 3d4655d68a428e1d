"""What a network is asked for, from its targets and the number of its outputs."""

from __future__ import annotations

from dataclasses import replace

from interp.errors import UsageError
from interp.tasks.targets import seen
from interp.tasks.task import Task
from interp.tasks.tasks import ASSUMED, TASKS, find_task
from interp.types import Dataset, Inference, Split


def infer_task(data: Dataset | None, outputs: int, given: str | None) -> Inference:
    """Tell the task.

    Parameters
    ----------
    data
        None if unknown.
    outputs
        How many numbers the network gives.
    given
        What the user said.

    Returns
    -------
    Inference
        Of the task's name.

    Raises
    ------
    DataError
        If the data's targets are none of this network's.
    UsageError
        If the data have no targets for the task that the user named.
    """
    if given:
        found = Inference(given, "certain", "given with --task")
    else:
        found = Inference(ASSUMED.name, "uncertain", "assumed: no data") if data is None else _guess(data, outputs)
    if data is not None:
        name = str(found.value)
        _check(data_for(data, name, outputs), find_task(name), outputs, found)
    return found


def data_for(data: Dataset, name: str, outputs: int) -> Dataset:
    """Give the data with the targets that a task compares with: classes as numbers, or as several labels."""
    task = find_task(name)
    if task.from_labels is None or data.train.labels is None:
        return data
    return replace(
        data, splits={key: _with_targets(split, task, outputs) for key, split in data.splits.items()}, classes=()
    )


def _with_targets(split: Split, task: Task, outputs: int) -> Split:
    if split.labels is None:
        return split
    assert task.from_labels is not None
    return Split(split.inputs, None, task.from_labels(split.labels, outputs))


def _guess(data: Dataset, outputs: int) -> Inference:
    facts = seen(data, outputs)
    for name, task in TASKS.items():
        if evidence := task.recognised(facts):
            return Inference(name, "likely", evidence)
    return Inference(ASSUMED.name, "uncertain", "assumed: the data have no labels")


def _check(data: Dataset, task: Task, outputs: int, found: Inference) -> None:
    """Raise where the targets are none of this network's."""
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

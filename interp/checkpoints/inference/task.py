"""What a network is asked for, from its targets and the number of its outputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.errors import DataError, UsageError
from interp.tasks.tasks import COUNTED, answers
from interp.types import Dataset, Inference, Split


def find_task(data: Dataset | None, outputs: int, given: str | None) -> Inference:
    """Tell the task.

    Parameters
    ----------
    data
        None if unknown.
    outputs
        How many numbers the network gives.
    given
        What the user said.

    Raises
    ------
    DataError
        If the data's targets are none of this network's.
    UsageError
        If the data have no targets for the task that the user named.
    """
    if data is None:
        return Inference(given or "classification", "certain" if given else "uncertain", _given(given, "no data"))
    found = Inference(given, "certain", "given with --task") if given else _guess(data, outputs)
    _check(data_for(data, str(found.value), outputs), str(found.value), outputs, found)
    return found


def data_for(data: Dataset, task: str, outputs: int) -> Dataset:
    """Give the data with the targets that a task compares with: classes as numbers, or as several labels."""
    if task in (*COUNTED, "autoencoder") or data.train.labels is None:
        return data
    return replace(
        data, splits={name: _as_columns(split, task, outputs) for name, split in data.splits.items()}, classes=()
    )


def _as_columns(split: Split, task: str, outputs: int) -> Split:
    if split.labels is None:
        return split
    several = task == "multi-label" and outputs > 1
    columns = (
        np.eye(max(outputs, int(split.labels.max()) + 1), dtype=np.uint8)[split.labels] if several else split.labels
    )
    return Split(split.inputs, None, columns if several else columns[:, None].astype(np.float64))


def _given(given: str | None, why: str) -> str:
    return "given with --task" if given else f"assumed: {why}"


def _guess(data: Dataset, outputs: int) -> Inference:
    labels, targets = data.train.labels, data.train.targets
    known = 0 if labels is None else int(labels.max()) + 1
    columns = 0 if targets is None else targets.shape[1]
    if outputs == data.width and outputs > 1 and outputs not in (columns, known):
        beside = f", not the {known} classes of the labels" if known else ""
        return Inference("autoencoder", "likely", f"as many outputs as inputs, {outputs}{beside}")
    if targets is not None and targets.dtype == np.uint8:
        return Inference("multi-label", "likely", f"{columns} zeros and ones a row, several of them set")
    if targets is not None:
        return Inference("regression", "likely", f"targets are measured values, {columns} a row")
    if labels is None:
        return Inference("classification", "uncertain", "assumed: the data have no labels")
    if outputs > 1:
        return Inference(
            "classification", "likely", f"labels are class indices from 0 to {known - 1}, {outputs} outputs"
        )
    if known <= 2:
        return Inference("binary", "likely", "labels are 0 and 1, one output")
    return Inference("regression", "likely", f"labels are whole numbers up to {known - 1}, and there is one output")


def _check(data: Dataset, task: str, outputs: int, found: Inference) -> None:
    """Raise where the targets are none of this network's."""
    for name, split in data.splits.items():
        if task == "autoencoder" and outputs != data.width:
            raise UsageError(
                "--task autoencoder",
                found=f"{outputs} outputs of {data.width} inputs",
                expected="as many",
                do="name another task",
            )
        values = answers(task, split)
        if values is None:
            other = split.labels is not None or split.targets is not None
            if found.confidence == "certain" and other:
                raise UsageError(
                    f"--task {task}",
                    found=f"other targets in {data.name}",
                    expected="class indices for it",
                    do="leave it out",
                )
            continue
        if task in COUNTED:
            _check_labels(f"{data.name} ({name})", int(values.max()), outputs)
        elif task != "autoencoder" and values.shape[1] != outputs:
            raise DataError(
                f"{data.name} ({name})",
                found=f"{values.shape[1]} targets a row",
                expected=f"{outputs}, as the network has {outputs} outputs",
                do="give this network's own data, or name the task with --task",
            )


def _check_labels(where: str, top: int, outputs: int) -> None:
    if top >= max(outputs, 2):
        raise DataError(
            where,
            found=f"label {top}",
            expected=f"labels 0 to {max(outputs, 2) - 1}, as the network has {outputs} outputs",
            do="give this network's own data",
        )

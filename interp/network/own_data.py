"""Whether data are a network's own: as wide as its input, with answers that its outputs can be compared with."""

from __future__ import annotations

from math import prod

from interp.errors import DataError, UsageError
from interp.network.inputs import outputs_on
from interp.tasks import find_task
from interp.types import Dataset, LoadedModel, NodeLayer, Split

REMEDY = "give this network's own data"


def check_data(model: LoadedModel, data: Dataset) -> None:
    """See that every split of a data set is of a network.

    Parameters
    ----------
    model
        Network that is to be run.
    data
        Data set that it is to be run on.

    Raises
    ------
    DataError
        If there is no training split, or one is not of this network; see `check_split`.
    """
    if "train" not in data.splits:
        found = ", ".join(map(repr, data.splits)) or "no splits"
        raise DataError(data.name, found=found, expected="a split 'train'", do="name it so")
    for name, split in data.splits.items():
        check_split(model, f"{data.name} ({name})", split)


def check_split(model: LoadedModel, where: str, split: Split) -> None:
    """See that the samples of a split are of a network.

    Parameters
    ----------
    model
        Network that is to be run.
    where
        Name of the split, for the error.
    split
        Samples that it is to be run on.

    Raises
    ------
    DataError
        If there are no samples, inputs have another width than the network's, or labels or targets are none that it
        can give.
    """
    samples, width = split.inputs.shape
    wanted = prod(model.input_shape)
    if not samples or width != wanted:
        found = f"{samples:,} samples of {width:,} values"
        raise DataError(where, found=found, expected=f"samples of {wanted:,} values, as the network takes", do=REMEDY)
    if split.labels is not None and split.labels.min() < 0:
        expected = "labels from 0, or None"
        raise DataError(where, found=f"label {split.labels.min()}", expected=expected, do="encode them as 0, 1, ...")
    task = find_task(model.task)
    answers = task.answers(split)
    if answers is not None:
        task.check(where, answers, outputs_on(model, split.inputs[:2]).shape[1])


def check_layer(model: LoadedModel, layer: NodeLayer) -> None:
    """See that a layer is one of a network's.

    Raises
    ------
    UsageError
        If it is not.
    """
    if model.layer(layer.name) != layer:
        raise UsageError(
            "layer",
            found=f"{layer.name} of {layer.nodes:,} nodes, of another network",
            expected="a layer of this one",
            do="take one of model.layers",
        )

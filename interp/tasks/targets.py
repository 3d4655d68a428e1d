"""Labels and targets: the facts by which a task is recognised, and checks that a network can give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp.errors import DataError, UsageError
from interp.types import Array, Dataset, Split


@dataclass(frozen=True)
class Seen:
    """Facts about data and a network's outputs from which its task is recognised.

    Attributes
    ----------
    labels
        Class indices of the training split (S,); None without labels.
    targets
        Targets of the training split (S, T); None without targets.
    width
        Number of inputs, D.
    outputs
        Number of outputs, C.
    """

    labels: Array | None
    targets: Array | None
    width: int
    outputs: int

    @property
    def known(self) -> int:
        """Number of classes of the labels; 0 without labels."""
        return 0 if self.labels is None else int(self.labels.max()) + 1

    @property
    def columns(self) -> int:
        """Number of targets of each row, T; 0 without targets."""
        return 0 if self.targets is None else int(self.targets.shape[1])


def seen(data: Dataset, outputs: int) -> Seen:
    """Collect the facts about a data set's training split and a network with so many outputs."""
    return Seen(data.train.labels, data.train.targets, data.width, outputs)


def labels_of(split: Split) -> Array | None:
    """Give the labels of a split, (S,)."""
    return split.labels


def targets_of(split: Split) -> Array | None:
    """Give the targets of a split, (S, T)."""
    return split.targets


def inputs_of(split: Split) -> Array | None:
    """Give the inputs of a split, (S, D), which are what an autoencoder is to give back."""
    return split.inputs


def one_hot(labels: Array, outputs: int) -> Array:
    """Encode labels (S,) as zeros and a one, (S, C) uint8; as measured values (S, 1) where there is one output."""
    if outputs == 1:
        return labels[:, None].astype(np.float64)
    return np.eye(max(outputs, int(labels.max()) + 1), dtype=np.uint8)[labels]


def as_values(labels: Array, outputs: int) -> Array:
    """Give labels as measured values, (S, 1) float64."""
    return labels[:, None].astype(np.float64)


def check_labels(where: str, labels: Array, outputs: int) -> None:
    """Raise `DataError` where a label exceeds the classes of a network with so many outputs."""
    if (top := int(labels.max())) >= max(outputs, 2):
        raise DataError(
            where,
            found=f"label {top}",
            expected=f"labels 0 to {max(outputs, 2) - 1}, as the network has {outputs} outputs",
            do="give this network's own data",
        )


def check_columns(where: str, targets: Array, outputs: int) -> None:
    """Raise `DataError` where there is not one target for each output."""
    if targets.shape[1] != outputs:
        raise DataError(
            where,
            found=f"{targets.shape[1]} targets a row",
            expected=f"{outputs}, as the network has {outputs} outputs",
            do="give this network's own data, or name the task with --task",
        )


def check_reconstruction(where: str, inputs: Array, outputs: int) -> None:
    """Raise `UsageError` where a network has not one output for each input."""
    if outputs != inputs.shape[1]:
        raise UsageError(
            "--task autoencoder",
            found=f"{outputs} outputs of {inputs.shape[1]} inputs",
            expected="as many",
            do="name another task",
        )

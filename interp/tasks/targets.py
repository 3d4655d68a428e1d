"""Labels and targets: the facts by which a task is recognised, and checks that a network can give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp.errors import DataError, UsageError
from interp.types import Array, Dataset, Split

SAME, SCALED = "the inputs", "the inputs, scaled"
"""Words for targets that an autoencoder is to give; those that are the same are scaled with the inputs."""

COMPARED = 256
"""Largest number of rows of which targets are held against inputs."""

FEWEST = 4
"""Number of rows below which a line leads through nearly any values."""

ROUNDING = 1e-3
"""Largest difference of targets from scaled inputs that is rounding, beside the spread of the targets."""


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
    copied
        Words for targets that are the inputs, `SAME` or `SCALED`; empty for any others.
    """

    labels: Array | None
    targets: Array | None
    width: int
    outputs: int
    copied: str = ""

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
    train = data.train
    copied = "" if train.targets is None else copied_from(train.inputs, train.targets)
    return Seen(train.labels, train.targets, data.width, outputs, copied)


def copied_from(inputs: Array, targets: Array) -> str:
    """Tell whether every column of the targets is that of the inputs, or that times a number above 0 plus another.

    Parameters
    ----------
    inputs
        Inputs of some samples as stored (S, D).
    targets
        Targets of these samples (S, T).

    Examples
    --------
    >>> x = np.arange(20.0).reshape(10, 2) ** 2
    >>> copied_from(x, (x - 3) / 16), copied_from(x, x), copied_from(x, x[:, ::-1]), copied_from(x, np.sqrt(x))
    ('the inputs, scaled', 'the inputs', '', '')
    """
    if inputs.shape != targets.shape or len(inputs) < FEWEST:
        return ""
    rows = np.sort(np.random.default_rng(0).permutation(len(inputs))[:COMPARED])
    x, y = (np.asarray(values[rows], np.float64) for values in (inputs, targets))
    if np.array_equal(x, y):
        return SAME
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    spread = (x**2).sum(axis=0)
    slopes = (x * y).sum(axis=0) / np.where(spread > 0, spread, 1)
    rest = ((y - slopes * x) ** 2).sum()
    is_scaled = (slopes[spread > 0] > 0).all() and (y**2).sum() > 0 and rest <= ROUNDING**2 * (y**2).sum()
    return SCALED if is_scaled else ""


def labels_of(split: Split) -> Array | None:
    """Give the labels of a split, (S,)."""
    return split.labels


def targets_of(split: Split) -> Array | None:
    """Give the targets of a split, (S, T)."""
    return split.targets


def inputs_of(split: Split) -> Array | None:
    """Give what an autoencoder is to give back, (S, D): the targets of a split, one for each input, or its inputs."""
    of_inputs = split.targets is None or split.targets.shape != split.inputs.shape
    return split.inputs if of_inputs else split.targets


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
            do="give this network's own data, or no labels where the outputs are no classes, as of an embedding",
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

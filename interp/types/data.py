"""A data set as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from interp.types.arrays import Array
from interp.types.shown import Shown


@dataclass(frozen=True, repr=False)
class Split(Shown):
    """One part of a data set.

    Attributes
    ----------
    inputs
        As stored, (S, D) in their own type.
    labels
        (S,) int64 class indices, or None.
    targets
        (S, T): uint8 zeros and ones of several labels, or float64 measured values; None without either.
    """

    inputs: Array
    labels: Array | None
    targets: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> Split:
        """Give some rows, in the order asked for."""
        parts = (None if part is None else part[rows] for part in (self.labels, self.targets))
        return Split(self.inputs[rows], *parts)


@dataclass(frozen=True)
class InputPart:
    """One of several inputs of a network, as it lies in a row of a data set's inputs.

    Attributes
    ----------
    name
        Of the array it came from.
    shape
        Of one sample, as the network takes it.
    whole
        Whether it holds whole numbers that stand for themselves, such as tokens: never scaled.
    """

    name: str
    shape: tuple[int, ...]
    whole: bool = False

    @property
    def width(self) -> int:
        """Values a sample."""
        return prod(self.shape)


@dataclass(frozen=True, repr=False)
class Dataset(Shown):
    """Inputs as stored (unscaled), with what is known about them.

    Attributes
    ----------
    name
        As the user gave it: ``digits``, ``mnist``, a path or ``package.module:callable``.
    splits
        ``train`` always, ``test`` where there is one.
    image_shape
        (channels, height, width) if inputs are images, else None.
    classes
        Class names, in label order; empty without labels.
    features
        Column names of tabular inputs; empty otherwise.
    digest
        SHA-256 over inputs and labels.
    root
        Folder the data were read from, if any.
    parts
        Where a network takes several inputs: those that a row holds, one after the other. Else empty.
    """

    name: str
    splits: Mapping[str, Split]
    image_shape: tuple[int, int, int] | None
    classes: tuple[str, ...]
    features: tuple[str, ...]
    digest: str
    root: str | None = None
    parts: tuple[InputPart, ...] = ()

    @property
    def train(self) -> Split:
        """The split that every fit uses."""
        return self.splits["train"]

    @property
    def width(self) -> int:
        """Inputs per sample, D."""
        return int(self.train.inputs.shape[1])

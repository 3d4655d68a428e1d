"""Data sets as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Annotated

from interp.types.annotations.shapes import Shape
from interp.types.arrays import Array
from interp.types.networks import Inference
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Split(ShortRepr):
    """One part of a data set.

    Attributes
    ----------
    inputs
        Inputs as stored and in their own type, each sample flat.
    labels
        Class index of each sample, int64; None without labels.
    targets
        Zeros and ones of several labels, uint8, or measured values, float64; None without either.
    lengths
        Number of time steps of each sequence that are no padding, int64; None where nothing is padding.
    """

    inputs: Annotated[Array, Shape("S I")]
    labels: Annotated[Array, Shape("S", "whole numbers")] | None
    targets: Annotated[Array, Shape("S Y")] | None = None
    lengths: Annotated[Array, Shape("S", "whole numbers")] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> Split:
        """Give some rows, in the order asked for.

        Parameters
        ----------
        rows
            Indices of the rows, or a mask.
        """
        parts = (None if part is None else part[rows] for part in (self.labels, self.targets, self.lengths))
        return Split(self.inputs[rows], *parts)


LENGTHS = "lengths"
"""Name of the input that holds the numbers of time steps of sequences, those of padding left out."""


@dataclass(frozen=True)
class InputPart:
    """One of several inputs of a network, as it lies in a row of a data set's inputs.

    Attributes
    ----------
    name
        Name of the array that it came from.
    shape
        Shape of one sample, as the network takes it.
    whole
        Whether the values are whole numbers that stand for themselves, such as tokens, and are never scaled.
    logical
        Whether the values are truth values, such as a mask, which a network takes as such.
    """

    name: str
    shape: tuple[int, ...]
    whole: bool = False
    logical: bool = field(default=False, repr=False)  # the digest of data with several inputs goes by their repr

    @property
    def width(self) -> int:
        """Number of values of one sample."""
        return prod(self.shape)


@dataclass(frozen=True, repr=False)
class Dataset(ShortRepr):
    """Inputs as stored (unscaled), with what is known about them.

    Attributes
    ----------
    name
        Name as the user gave it: ``digits``, ``mnist``, a path or ``package.module:callable``.
    splits
        Name of a split -> its samples; ``train`` always, ``test`` where there is one.
    image_shape
        Channels, height and width of the inputs if they are images, else None.
    classes
        Names of the classes, in label order; empty without labels.
    features
        Names of the columns of tabular inputs; empty otherwise.
    digest
        SHA-256 over inputs and labels.
    root
        Folder that the data were read from, if any.
    parts
        Inputs that one row holds, one after the other, where a network takes several; else empty.
    facts
        Name of a fact about how inputs or labels were read, such as ``categories`` -> value, confidence and evidence.
    sample_shape
        Shape of one sample as it was given, where that is neither an image's nor a row's: (2, 6, 8); else None.
    """

    name: str
    splits: Mapping[str, Split]
    image_shape: tuple[int, int, int] | None
    classes: tuple[str, ...]
    features: tuple[str, ...]
    digest: str
    root: str | None = None
    parts: tuple[InputPart, ...] = ()
    facts: Mapping[str, Inference] = field(default_factory=dict)
    sample_shape: tuple[int, ...] | None = None

    @property
    def train(self) -> Split:
        """The split that every fit uses."""
        return self.splits["train"]

    @property
    def steps(self) -> int | None:
        """Number of time steps of a sequence, those of padding included; None where none is padding."""
        return None if self.train.lengths is None else self.parts[0].shape[0]

    @property
    def width(self) -> int:
        """Number of values of one sample, I."""
        return int(self.train.inputs.shape[1])

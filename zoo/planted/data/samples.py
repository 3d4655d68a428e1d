"""Labelled samples in three parts, as every planted network comes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

Labelled = tuple[Tensor, Tensor]
"""Inputs (S, ...) and their classes (S,)."""


@dataclass(frozen=True)
class PlantedData:
    """What a planted network was built on, and samples that it has never seen.

    Attributes
    ----------
    train
        Samples that the network was built or trained on.
    test
        Samples that chose nothing.
    fresh
        Number of samples, seed -> that many more samples of the same kind; a data set that is finite gives at most
        what it holds back.
    classes
        Number of classes, K.
    rows
        Inputs of a node of the first layer, (R, D), each with its class; class K stands for what all classes share.
    setup
        Drawn numbers by name: dimension, separation, imbalance and so on.
    """

    train: Labelled
    test: Labelled
    fresh: Callable[[int, int], Labelled]
    classes: int
    rows: Labelled
    setup: Mapping[str, float | str] = field(default_factory=dict)

"""What is accumulated of a whole network in one pass over the samples of a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.analysis.mergeable.layers import LayerStatistics
from interp.types import Array, NodeLayer
from interp.types.annotations.shapes import Shape
from interp.types.shown import ShortRepr


@dataclass(frozen=True)
class SplitStatistics:
    """Statistics of some samples of a split; those of all samples are merged of any parts.

    Attributes
    ----------
    samples
        Number of samples.
    layers
        Layer name -> statistics of its rows.
    confusion
        Number of samples of each label (rows) and prediction (columns), those without prediction left out; empty
        without labels or predictions.
    """

    samples: int
    layers: Mapping[str, LayerStatistics]
    confusion: Annotated[Array, Shape("C C", "whole numbers")]

    def merge(self, other: SplitStatistics) -> SplitStatistics:
        """Combine the statistics of two sets of samples.

        Parameters
        ----------
        other
            Statistics of the same network's layers over other samples.
        """
        layers = {name: own.merge(other.layers[name]) for name, own in self.layers.items()}
        return SplitStatistics(self.samples + other.samples, layers, _added(self.confusion, other.confusion))


@dataclass(frozen=True, repr=False)
class Statistics(ShortRepr):
    """Statistics of all layers over all splits, in place of a recording of their values.

    Attributes
    ----------
    layers
        Layers of the network, in order.
    splits
        Name of a split -> statistics of its samples.
    """

    layers: tuple[NodeLayer, ...]
    splits: Mapping[str, SplitStatistics]


def confusion_counts(labels: Array | None, predictions: Array, classes: int = 0) -> Array:
    """Count samples by label and prediction.

    Parameters
    ----------
    labels
        Class index of each sample (S,); None without labels.
    predictions
        Class that the network predicts for each sample (S,); -1 where it predicts none.
    classes
        Least number of classes.

    Returns
    -------
    Array
        Number of samples of each label (rows) and prediction (columns), (C, C); empty without labels or predictions.

    Examples
    --------
    >>> confusion_counts(np.array([0, 1, 1]), np.array([0, 1, -1])).tolist()
    [[1, 0], [0, 1]]
    """
    known = predictions >= 0
    if labels is None or not known.any():
        return np.zeros((0, 0), np.int64)
    labels, predictions = labels[known], predictions[known]
    size = max(int(labels.max()) + 1, int(predictions.max()) + 1, classes)
    return np.bincount(labels * size + predictions, minlength=size**2).reshape(size, size)


def _added(first: Array, second: Array) -> Array:
    size = max(len(first), len(second))
    found = np.zeros((size, size), np.int64)
    for part in (first, second):
        found[: len(part), : len(part)] += part
    return found

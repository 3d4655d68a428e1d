"""Everything that is accumulated of one layer in one pass over its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Annotated

import numpy as np

from interp.analysis.mergeable.classes import ClassMoments
from interp.analysis.mergeable.coactivity import Coactivity
from interp.analysis.mergeable.cross import CrossMoments
from interp.analysis.mergeable.draws import second_half
from interp.analysis.mergeable.histograms import DyadicHistogram
from interp.analysis.mergeable.strongest import Strongest
from interp.analysis.moments import Moments
from interp.analysis.outputs.sums import OutputSums
from interp.types import Array
from interp.types.annotations.shapes import Shape

KEPT = 16
"""Number of exemplars of a node at either end."""


@dataclass(frozen=True)
class LayerStatistics:
    """Statistics of some rows of a layer; those of all rows are merged of any parts.

    Attributes
    ----------
    moments
        Moments of z, with its range.
    by_class
        Moments of z of each class; None without classes.
    positive
        Number of rows with z > 0 (N,), whole numbers.
    first, second
        Histograms of z on two random halves of the samples, with its quantiles; None of a half without rows.
    largest, smallest
        Largest values of z, and of -z, with the samples that they are of.
    outputs
        Range, sum and activity of the outputs; None where outputs are not known.
    cross
        Cross moments of what the layer reads and z; None where they are not asked for.
    coactivity
        Rows on which two nodes are above their boundary, z > 0; None where they are not asked for.
    """

    moments: Moments
    by_class: ClassMoments | None
    positive: Annotated[Array, Shape("N", "whole numbers")]
    first: DyadicHistogram | None
    second: DyadicHistogram | None
    largest: Strongest
    smallest: Strongest
    outputs: OutputSums | None = None
    cross: CrossMoments | None = None
    coactivity: Coactivity | None = None

    @staticmethod
    def of(
        z: Array,
        samples: Array,
        labels: Array | None = None,
        outputs: Array | None = None,
        inputs: Array | None = None,
    ) -> LayerStatistics:
        """Take the statistics of one block.

        Parameters
        ----------
        z
            Finite pre-activations (rows, N), at least one row.
        samples
            Index of the sample that each row is of (rows,).
        labels
            Class of each row (rows,); None without classes.
        outputs
            Outputs of the nodes' activation (rows, N); None where they are not known.
        inputs
            Values that the nodes read (rows, D), where cross moments and co-activity are asked for; else None.
        """
        table, second = np.asarray(z, np.float64), second_half(samples)
        positive = table > 0
        return LayerStatistics(
            Moments.of(table),
            None if labels is None else ClassMoments.of(table, labels),
            positive.sum(axis=0),
            _histogram(table[~second]),
            _histogram(table[second]),
            Strongest.of(table, samples, KEPT),
            Strongest.of(-table, samples, KEPT),
            None if outputs is None else OutputSums.of(outputs),
            None if inputs is None else CrossMoments.of(inputs, table),
            None if inputs is None else Coactivity.of(positive),
        )

    def merge(self, other: LayerStatistics) -> LayerStatistics:
        """Combine the statistics of two sets of rows, of which both or none have classes, outputs and inputs.

        Parameters
        ----------
        other
            Statistics of the same layer over other rows.
        """
        return LayerStatistics(
            self.moments.merge(other.moments),
            None if self.by_class is None or other.by_class is None else self.by_class.merge(other.by_class),
            self.positive + other.positive,
            _together(self.first, other.first),
            _together(self.second, other.second),
            self.largest.merge(other.largest),
            self.smallest.merge(other.smallest),
            None if self.outputs is None or other.outputs is None else self.outputs.merge(other.outputs),
            None if self.cross is None or other.cross is None else self.cross.merge(other.cross),
            None if self.coactivity is None or other.coactivity is None else self.coactivity.merge(other.coactivity),
        )

    @property
    def histogram(self) -> DyadicHistogram:
        """Histogram of z over all rows."""
        found = _together(self.first, self.second)
        assert found is not None, "statistics of no rows"
        return found


def _histogram(table: Array) -> DyadicHistogram | None:
    return DyadicHistogram.of(table) if len(table) else None


def _together(first: DyadicHistogram | None, second: DyadicHistogram | None) -> DyadicHistogram | None:
    if first is None or second is None:
        return first or second
    return first.merge(second)


def merged(parts: Iterable[LayerStatistics]) -> LayerStatistics:
    """Combine the statistics of blocks, or of shards of them.

    Parameters
    ----------
    parts
        Statistics of the same layer over different rows, at least one.
    """
    return reduce(LayerStatistics.merge, parts)

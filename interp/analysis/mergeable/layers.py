"""Everything that is accumulated of one layer in one pass over its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from interp.analysis.mergeable.classes import ClassMoments
from interp.analysis.mergeable.coactivity import Coactivity
from interp.analysis.mergeable.cross import CrossMoments
from interp.analysis.mergeable.histograms import DyadicHistogram
from interp.analysis.mergeable.strongest import Strongest
from interp.analysis.moments import Moments
from interp.types import Array

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
    histogram
        Histogram of z, with its quantiles.
    cross
        Cross moments of what the layer reads and z.
    largest, smallest
        Largest values of z, and of -z, with the samples that they are of.
    coactivity
        Rows on which two nodes are above their boundary, z > 0.
    """

    moments: Moments
    by_class: ClassMoments | None
    histogram: DyadicHistogram
    cross: CrossMoments
    largest: Strongest
    smallest: Strongest
    coactivity: Coactivity

    @staticmethod
    def of(z: Array, inputs: Array, samples: Array, labels: Array | None = None) -> LayerStatistics:
        """Take the statistics of one block.

        Parameters
        ----------
        z
            Finite pre-activations (rows, N), at least one row.
        inputs
            Values that the nodes read (rows, D).
        samples
            Index of the sample that each row is of (rows,).
        labels
            Class of each row (rows,); None without classes.
        """
        table = np.asarray(z, np.float64)
        return LayerStatistics(
            Moments.of(table),
            None if labels is None else ClassMoments.of(table, labels),
            DyadicHistogram.of(table),
            CrossMoments.of(inputs, table),
            Strongest.of(table, samples, KEPT),
            Strongest.of(-table, samples, KEPT),
            Coactivity.of(table > 0),
        )

    def merge(self, other: LayerStatistics) -> LayerStatistics:
        """Combine the statistics of two sets of rows, of which both or none have classes.

        Parameters
        ----------
        other
            Statistics of the same layer over other rows.
        """
        has_classes = self.by_class is not None and other.by_class is not None
        return LayerStatistics(
            self.moments.merge(other.moments),
            self.by_class.merge(other.by_class) if has_classes else None,  # type: ignore[union-attr,arg-type]
            self.histogram.merge(other.histogram),
            self.cross.merge(other.cross),
            self.largest.merge(other.largest),
            self.smallest.merge(other.smallest),
            self.coactivity.merge(other.coactivity),
        )


def merged(parts: Iterable[LayerStatistics]) -> LayerStatistics:
    """Combine the statistics of blocks, or of shards of them.

    Parameters
    ----------
    parts
        Statistics of the same layer over different rows, at least one.
    """
    return reduce(LayerStatistics.merge, parts)

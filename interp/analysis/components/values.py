"""What Gaussians are fitted to: moments and histograms of values, of a table or of samples that streamed by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from interp.analysis.components.halves import halves
from interp.analysis.mergeable.classes import ClassMoments
from interp.analysis.mergeable.histograms import DyadicHistogram
from interp.analysis.mergeable.layers import LayerStatistics
from interp.analysis.mixtures import Binned, bin_values
from interp.analysis.moments import Moments, moments
from interp.errors import DataError
from interp.types import Array, Rows


@dataclass(frozen=True)
class NodeValues:
    """Moments and histograms of the values of N nodes.

    Attributes
    ----------
    total
        Moments of all rows.
    by_class
        Moments of the rows of each class; None without classes.
    first, second
        Histograms of two random halves of the samples, with the same edges between the extremes of all rows.
    positive
        Number of rows with values above 0 (N,).
    """

    total: Moments
    by_class: ClassMoments | None
    first: Binned
    second: Binned
    positive: Array


def values_of(z: Rows, labels: Array | None, row_sample: Array | None, bins: int) -> NodeValues:
    """Take what a fit needs of a table of values, which is read three times.

    Parameters
    ----------
    z
        Values (S, N).
    labels
        Class of each row (S,); None without classes.
    row_sample
        Index of the sample of each row (S,); None: one row each.
    bins
        Number of bins.

    Raises
    ------
    DataError
        If a value is NaN or infinite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        total, by_class = moments(blocks_of(z)), None if labels is None else _by_class(z, labels)
    check_finite(np.isfinite(total.var))
    second = halves(total.count if row_sample is None else int(row_sample.max()) + 1, row_sample, total.count)
    sd = np.sqrt(total.var)
    parts = [
        bin_values(_rows_of(z, second == wanted), total.mean, sd, total.minimum, total.maximum, bins)
        for wanted in (False, True)
    ]
    positive = sum((block > 0).sum(axis=0) for block in blocks_of(z))
    return NodeValues(total, by_class, parts[0], parts[1], np.asarray(positive))


def values_gathered(found: LayerStatistics, halves_of: tuple[Binned, Binned] | None, bins: int) -> NodeValues:
    """Take what a fit needs of statistics that were gathered in one pass.

    Parameters
    ----------
    found
        Statistics of a layer.
    halves_of
        Histograms of two halves of the samples, from a second pass; None: those of the first pass, whose values are
        taken to lie evenly in their bins.
    bins
        Number of bins.
    """
    first, second = halves_of or (_binned(part, found.moments, bins) for part in (found.first, found.second))
    return NodeValues(found.moments, found.by_class, first, second, found.positive)


def _binned(found: DyadicHistogram | None, total: Moments, bins: int) -> Binned:
    """Sort the values of a histogram into bins of equal width between the extremes, each value in its bin's middle."""
    if found is None:
        return Binned(*np.zeros((3, len(total.mean), bins)))
    scale = np.where(total.var > 0, np.sqrt(total.var), 1)[:, None]
    width = (total.maximum - total.minimum)[:, None] / bins
    count = found.between(total.minimum, total.maximum, bins).astype(float)
    middle = (total.minimum[:, None] + width * (np.arange(bins) + 0.5) - total.mean[:, None]) / scale
    return Binned(count, count * middle, count * (middle**2 + (width / scale) ** 2 / 12))


def check_finite(known: Array, layer: str = "") -> None:
    """Refuse nodes with values that are not finite.

    Parameters
    ----------
    known
        Whether all values of each node are finite (N,).
    layer
        Name of the layer, in the error; empty where it is not known.

    Raises
    ------
    DataError
        If those of some node are not.
    """
    broken = np.flatnonzero(~known)
    if len(broken):
        named = f"nodes {', '.join(map(str, broken[:8]))}{', ...' if len(broken) > 8 else ''}"
        raise DataError(
            f"{named} of {layer}" if layer else named,
            found=f"NaN or infinite pre-activations in {len(broken)} of {len(known)} nodes",
            expected="finite ones",
            do="look at a checkpoint from before the training diverged, or check the input scaling",
        )


def _by_class(z: Rows, labels: Array) -> ClassMoments:
    """Take the moments of each class, in one pass."""
    parts, start = [], 0
    for block in blocks_of(z):
        parts.append(ClassMoments.of(block, labels[start : start + len(block)]))
        start += len(block)
    return reduce(ClassMoments.merge, parts)


def _rows_of(z: Rows, wanted: Array) -> Iterable[Array]:
    """Yield the wanted rows of a table in order, some at a time."""
    start = 0
    for block in blocks_of(z):
        yield block[wanted[start : start + len(block)]]
        start += len(block)


def blocks_of(z: Rows, size: int = 8192) -> Iterable[Array]:
    """Yield the rows of a table in order, some at a time.

    Parameters
    ----------
    z
        Table (S, N), an array or on disk.
    size
        Largest number of rows of a block.

    Examples
    --------
    >>> [len(block) for block in blocks_of(np.zeros((5, 2)), size=2)]
    [2, 2, 1]
    """
    for start in range(0, z.shape[0], size):
        yield np.asarray(z[start : start + size])

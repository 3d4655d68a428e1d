"""1D Gaussians of every node: one over all rows, one for each class, and a mixture chosen by BIC."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.analysis.checks import gaussian_arguments
from interp.analysis.components.halves import crossed, halves
from interp.analysis.components.modes import Components, merge_without_valley
from interp.analysis.distributions import Distribution
from interp.analysis.mixtures import BINS, Binned, Mixture, best_mixtures, bin_values, mixture_cdf
from interp.analysis.moments import Moments
from interp.errors import DataError
from interp.types import Array, GaussianFit, Rows
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Within

LEAST_HALF = 10
"""Rows that a half of the samples must have to be fitted alone."""


@dataclass(frozen=True)
class GaussianOptions:
    """How Gaussian mixtures are fitted to nodes.

    Attributes
    ----------
    components
        Largest number of components of a mixture, K.
    bins
        Number of bins of the histogram that a mixture is fitted to.
    crossed
        Whether the mixtures of two halves of the samples are measured on each other, which labels of boundaries need.

    Examples
    --------
    >>> GaussianOptions(components=3)
    GaussianOptions(components=3, bins=512, crossed=True)
    """

    components: Annotated[int, Within(low=1)] = 5
    bins: Annotated[int, Within(low=2)] = BINS
    crossed: bool = True


@checked
def fit_gaussians(
    z: Rows,
    labels: Array | None = None,
    options: GaussianOptions = GaussianOptions(),
    sampled: Array | None = None,
    row_sample: Array | None = None,
) -> GaussianFit:
    """Fit one-dimensional Gaussians to the nodes of one layer.

    Moments are those of Chan, Golub and LeVeque (1979) and Pébay (2008); mixtures are fitted by EM (Dempster, Laird
    and Rubin 1977) with the number of components of the least BIC (Schwarz 1978); components without a valley between
    them are then merged (after Hennig 2010), so that one cluster is one component whatever its shape and the number of
    rows. The same is done to two halves of the samples, each measured on the other.

    Parameters
    ----------
    z
        Pre-activations (S, N): an array, or a table on disk, which is read in blocks, three times.
    labels
        Class of each row (S,), from 0; None without classes.
    options
        Largest number of components, and number of bins.
    sampled
        Indices of the nodes that get mixtures (M,), ascending; None for all. The rest is computed for every node.
    row_sample
        Index of the sample of each row (S,), from 0: the rows of a sample are in the same half. None: one row each.

    Returns
    -------
    GaussianFit
        Moments, class Gaussians, mixtures and histograms of the nodes.

    Raises
    ------
    DataError
        If `z` is no table of numbers or empty, a value is NaN or infinite, or there is not one label for each row.
    UsageError
        If an option is out of range.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal([0, 5], [1, 2], (4000, 2))
    >>> fit_gaussians(z).components
    array([1, 1])
    """
    z, labels, sampled, row_sample = gaussian_arguments(z, labels, sampled, row_sample)
    with np.errstate(invalid="ignore", over="ignore"):
        total, by_class = _all_moments(z, labels)
    _check_finite(total)
    sd = np.sqrt(total.var)
    parts = _binned_halves(z, row_sample, total, options.bins)
    binned = parts[0] + parts[1]
    mixture, bic = _mixtures(binned, options.components, sampled)
    merged = merge_without_valley(
        _in_own_units(Components(mixture.weight, mixture.mean, mixture.var), total),
        Distribution.of(total.minimum, total.maximum, binned.count),
    )
    by_half = _crossed(parts, options.components, sampled, total) if options.crossed else []
    positive = sum((block > 0).sum(axis=0) for block in blocks_of(z)) / total.count
    cumulative = np.cumsum(binned.count, axis=1) / total.count
    return GaussianFit(
        count=total.count,
        mean=total.mean,
        var=total.var,
        skewness=total.skewness,
        kurtosis=total.kurtosis,
        minimum=total.minimum,
        maximum=total.maximum,
        class_count=np.array([part.count if part else 0 for part in by_class], np.int64),
        class_mean=_stack(by_class, lambda part: part.mean, len(sd)),
        class_var=_stack(by_class, lambda part: part.var, len(sd)),
        weight=merged.weight,
        component_mean=merged.mean,
        component_var=merged.var,
        components=merged.number,
        bic=bic + 2 * total.count * np.log(np.where(sd > 0, sd, 1))[:, None],  # from standard units to those of z
        ks=_ks(cumulative, total, np.ones((len(sd), 1)), total.mean[:, None], total.var[:, None]),
        ks_mixture=_ks(cumulative, total, merged.weight, merged.mean, merged.var),
        positive_share=np.asarray(positive, float),
        histogram=binned.count.astype(np.int64),
        sampled=sampled,
        crossed_weight=np.stack([part.weight for part in by_half]) if by_half else None,
        crossed_mean=np.stack([part.mean for part in by_half]) if by_half else None,
        crossed_var=np.stack([part.var for part in by_half]) if by_half else None,
    )


def _binned_halves(z: Rows, row_sample: Array | None, total: Moments, bins: int) -> tuple[Binned, Binned]:
    """Sort the rows of each half of the samples into the same bins."""
    second = halves(total.count if row_sample is None else int(row_sample.max()) + 1, row_sample, total.count)
    sd = np.sqrt(total.var)
    first, other = (
        bin_values(_rows_of(z, second == wanted), total.mean, sd, total.minimum, total.maximum, bins)
        for wanted in (False, True)
    )
    return first, other


def _rows_of(z: Rows, wanted: Array) -> Iterable[Array]:
    """Yield the wanted rows of a table in order, some at a time."""
    start = 0
    for block in blocks_of(z):
        yield block[wanted[start : start + len(block)]]
        start += len(block)


def _crossed(parts: tuple[Binned, Binned], most: int, sampled: Array | None, total: Moments) -> list[Components]:
    """Find the components of each half of the samples and measure them on the other, in units of z."""
    if min(part.count.sum(axis=1).min() for part in parts) < LEAST_HALF:
        return []
    scale = np.where(total.var > 0, np.sqrt(total.var), 1)
    low, high = (total.minimum - total.mean) / scale, (total.maximum - total.mean) / scale
    nodes = np.arange(len(scale)) if sampled is None else sampled
    first, second = (part.of(nodes) for part in parts)
    found = [crossed(*pair, most, low[nodes], high[nodes]) for pair in ((first, second), (second, first))]
    return [_in_own_units(part.among(nodes, len(scale)), total) for part in found]


def _mixtures(data: Binned, most: int, sampled: Array | None) -> tuple[Mixture, Array]:
    """Fit up to `most` components to the sampled nodes, and one to the others."""
    if sampled is None or len(sampled) == len(data.count):
        mixture, _, bic = best_mixtures(data, most)
        return mixture, bic
    others = np.setdiff1d(np.arange(len(data.count)), sampled)
    parts = [(sampled, best_mixtures(data.of(sampled), most)), (others, best_mixtures(data.of(others), 1))]
    shape = (len(data.count), most)
    weight, mean, var, bic = np.zeros(shape), *(np.full(shape, np.nan) for _ in range(3))
    loglik = np.empty(shape[0])
    for nodes, (found, _, criterion) in parts:  # neither is empty
        for target, source in ((weight, found.weight), (mean, found.mean), (var, found.var), (bic, criterion)):
            target[nodes, : source.shape[1]] = source
        loglik[nodes] = found.loglik
    return Mixture(weight, mean, var, loglik), bic


def _check_finite(total: Moments) -> None:
    broken = np.flatnonzero(~np.isfinite(total.var))
    if len(broken):
        raise DataError(
            f"nodes {', '.join(map(str, broken[:8]))}{', ...' if len(broken) > 8 else ''}",
            found=f"NaN or infinite pre-activations in {len(broken)} of {len(total.var)} nodes",
            expected="finite ones",
            do="look at a checkpoint from before the training diverged, or check the input scaling",
        )


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


def _all_moments(z: Rows, labels: Array | None) -> tuple[Moments, list[Moments | None]]:
    """Take the moments of all rows and of each class, in one pass."""
    classes = 0 if labels is None else int(labels.max()) + 1
    parts: list[list[Moments]] = [[] for _ in range(classes + 1)]
    start = 0
    for block in blocks_of(z):
        parts[-1].append(Moments.of(block))
        for c in range(classes):
            assert labels is not None
            rows = block[labels[start : start + len(block)] == c]
            if len(rows):
                parts[c].append(Moments.of(rows))
        start += len(block)
    merged = [_merge(found) for found in parts]
    total = merged.pop()
    assert total is not None
    return total, merged


def _merge(parts: list[Moments]) -> Moments | None:
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total.merge(part)
    return total


def _stack(parts: list[Moments | None], get: Callable[[Moments], Array], nodes: int) -> Array:
    rows = [get(part) if part else np.full(nodes, np.nan) for part in parts]
    return np.stack(rows) if rows else np.empty((0, nodes))


def _in_own_units(found: Components, total: Moments) -> Components:
    """Convert mixtures from standard units to those of z; a constant node has one component of variance 0."""
    constant = total.var <= 0
    mean = total.mean[:, None] + np.sqrt(total.var)[:, None] * found.mean
    var = total.var[:, None] * found.var
    weight = found.weight.copy()
    weight[constant], mean[constant], var[constant] = 0, np.nan, np.nan
    weight[constant, 0], mean[constant, 0], var[constant, 0] = 1, total.mean[constant], 0
    return Components(weight, mean, var)


def _ks(cumulative: Array, total: Moments, weight: Array, mean: Array, var: Array) -> Array:
    """Give the largest gap between the distribution functions of data and model, at the bins' right edges, (N,)."""
    bins = cumulative.shape[1]
    edges = total.minimum[:, None] + (total.maximum - total.minimum)[:, None] * np.arange(1, bins + 1) / bins
    gap: Array = np.abs(cumulative - mixture_cdf(edges, weight, mean, var)).max(axis=1)
    return np.where(total.var > 0, gap, 0.0)

"""1D Gaussians of every node: one over all rows, one for each class, and a mixture chosen by BIC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.analysis.checks import gaussian_arguments
from interp.analysis.components.halves import crossed
from interp.analysis.components.modes import Components, merge_without_valley
from interp.analysis.components.values import NodeValues, values_of
from interp.analysis.distributions import Distribution
from interp.analysis.mergeable.classes import ClassMoments
from interp.analysis.mixtures import BINS, Binned, Halves, Mixture, best_mixtures, mixture_cdf
from interp.analysis.moments import Moments
from interp.types import Array, GaussianFit, Rows
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Within

NODES_A_BLOCK = 4096
"""Number of nodes whose arrays of bins are in memory at once, beside the histograms themselves."""

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
    return fit_values(values_of(z, labels, row_sample, options.bins), options, sampled)


def fit_values(found: NodeValues, options: GaussianOptions, sampled: Array | None = None) -> GaussianFit:
    """Fit one-dimensional Gaussians to nodes of whose values moments and histograms are known.

    Parameters
    ----------
    found
        Moments and histograms of the values, in as many bins as the options say.
    options
        Largest number of components.
    sampled
        Indices of the nodes that get mixtures (M,), ascending; None for all.
    """
    total, parts = found.total, (found.first, found.second)
    by_class = _in_order(found.by_class)
    sd = np.sqrt(total.var)
    histogram = parts[0].count + parts[1].count
    mixture, bic = _mixtures(Halves(*parts), options.components, sampled)
    given = _in_own_units(Components(mixture.weight, mixture.mean, mixture.var), total)
    merged, ks, ks_mixture = _against_rows(given, histogram, total)
    by_half = _crossed(parts, options.components, sampled, total) if options.crossed else []
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
        ks=ks,
        ks_mixture=ks_mixture,
        positive_share=np.asarray(found.positive / total.count, float),
        histogram=histogram.astype(np.int64),
        sampled=sampled,
        crossed_weight=np.stack([part.weight for part in by_half]) if by_half else None,
        crossed_mean=np.stack([part.mean for part in by_half]) if by_half else None,
        crossed_var=np.stack([part.var for part in by_half]) if by_half else None,
    )


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


def _against_rows(given: Components, histogram: Array, total: Moments) -> tuple[Components, Array, Array]:
    """Merge components between which the rows have no valley; and give distances to one Gaussian and to the mixture.

    Nodes are taken some at a time: the arrays of all bins of 50,000 nodes would take a gigabyte.
    """
    found = []
    for start in range(0, len(histogram), NODES_A_BLOCK):
        nodes = slice(start, start + NODES_A_BLOCK)
        low, high = total.minimum[nodes], total.maximum[nodes]
        mean, var = total.mean[nodes], total.var[nodes]
        own = Components(given.weight[nodes], given.mean[nodes], given.var[nodes])
        merged = merge_without_valley(own, Distribution.of(low, high, histogram[nodes]))
        rows = _Cumulative(low, high, np.cumsum(histogram[nodes], axis=1) / total.count)
        one = _ks(rows, np.ones((len(mean), 1)), mean[:, None], var[:, None])
        several = _ks(rows, merged.weight, merged.mean, merged.var)
        found.append((merged, *(np.where(var > 0, gap, 0.0) for gap in (one, several))))
    parts, of_one, of_several = zip(*found, strict=True)
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in ("weight", "mean", "var"))
    return Components(*joined), np.concatenate(of_one), np.concatenate(of_several)


def _mixtures(data: Halves, most: int, sampled: Array | None) -> tuple[Mixture, Array]:
    """Fit up to `most` components to the sampled nodes, and one to the others."""
    if sampled is None or len(sampled) == len(data):
        mixture, _, bic = best_mixtures(data, most)
        return mixture, bic
    others = np.setdiff1d(np.arange(len(data)), sampled)
    parts = [(sampled, best_mixtures(data, most, sampled)), (others, best_mixtures(data, 1, others))]
    shape = (len(data), most)
    weight, mean, var, bic = np.zeros(shape), *(np.full(shape, np.nan) for _ in range(3))
    loglik = np.empty(shape[0])
    for nodes, (found, _, criterion) in parts:  # neither is empty
        for target, source in ((weight, found.weight), (mean, found.mean), (var, found.var), (bic, criterion)):
            target[nodes, : source.shape[1]] = source
        loglik[nodes] = found.loglik
    return Mixture(weight, mean, var, loglik), bic


def _in_order(found: ClassMoments | None) -> list[Moments | None]:
    """Give the moments of each class from 0; None of one without rows, and no classes without labels."""
    known = {} if found is None else {int(label): own for label, own in found.of_class.items()}
    return [known.get(label) for label in range(max(known, default=-1) + 1)]


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


@dataclass(frozen=True)
class _Cumulative:
    """Least and largest values of N nodes (N,), and the shares of rows up to each bin's right edge (N, B)."""

    low: Array
    high: Array
    share: Array


def _ks(rows: _Cumulative, weight: Array, mean: Array, var: Array) -> Array:
    """Give the largest gap between the distribution functions of data and model, at the bins' right edges, (N,)."""
    bins = rows.share.shape[1]
    edges = rows.low[:, None] + (rows.high - rows.low)[:, None] * np.arange(1, bins + 1) / bins
    return np.asarray(np.abs(rows.share - mixture_cdf(edges, weight, mean, var)).max(axis=1))

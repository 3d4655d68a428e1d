"""Where the data allow to say that a boundary does, or does not, pass through a cluster's mean.

A label is claimed where it is right on at least 99 of 100 planted nodes (`benchmarks/kinds.py`). Two things stand
against it. Sampling: components are found on one half of the samples and measured on the other, both ways round, and
the distance must be on the same side of the threshold both times, by 2.3 standard errors for a reliability of 0.99. And
overlap: what looks like one cluster may be several closer than two sigma, whose means lie elsewhere. So a boundary is
called

- *coherent* only where the cluster is apart from its neighbours in both halves, and nothing speaks for several in it;
- *adhoc* where it is far from every cluster, or not so far but the cluster is one.

That a cluster is one is told by the classes where there are any: some class's mean must lie on the same side of the
threshold. Without classes, by its shape: BIC asks for no more Gaussians than clusters, and it is not wider than others.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from interp.analysis.nulls.clusters import Clusters, classes_of, clusters_of
from interp.types import Array, GaussianFit, Thresholds

APART = 3.0
"""Least gap of a cluster to its neighbours, in their mean standard deviation."""

OUTSIDE = 1.25
"""Least distance of an adhoc boundary to a cluster that is apart and Gaussian, in its standard deviations."""

FAR = 2.0
"""Least distance of an adhoc boundary to clusters that may be several."""

WIDE = 1.1
"""Largest standard deviation of a cluster that is taken to be one, without classes, relative to the narrowest."""


def claimed(fit: GaussianFit, thresholds: Thresholds, distance: Array) -> tuple[Array, Array]:
    """Say which labels can be relied on.

    Parameters
    ----------
    fit
        Gaussians of the nodes of one layer, with the mixtures of both halves of the samples.
    thresholds
        Rule, threshold and least reliability.
    distance
        Distance of each boundary to the nearest cluster (N,), from all samples.

    Returns
    -------
    is_claimed
        True for each node that can be called coherent or adhoc (N,).
    reliability
        Probability of the same label on other samples (N,).
    """
    if thresholds.rule == "mean":
        return _by_mean(fit, thresholds)
    crossed = fit.crossed()
    if not crossed:
        nothing = np.full(len(distance), np.nan)
        return np.full(len(distance), thresholds.reliability <= 0), nothing
    epsilon = thresholds.epsilon
    clusters = [clusters_of(part, thresholds) for part in crossed]
    distances = np.stack([part.nearest() for part in clusters])
    reliability = _same_side(distances, _rows(crossed, clusters), epsilon)
    if thresholds.reliability <= 0:
        return np.ones(len(distance), bool), reliability
    near, far = (distances <= epsilon).all(axis=0), (distances > epsilon).all(axis=0)
    apart = np.all([_gap(part) >= APART for part in clusters], axis=0)
    alone, by_class = _alone(fit, thresholds, distance)
    coherent = near & (distance <= epsilon) & apart & alone
    adhoc = far & (distance > epsilon) & ((distances >= FAR).all(axis=0) | apart & alone)
    if by_class is None:
        adhoc &= (distances >= OUTSIDE).all(axis=0)
    else:
        coherent, adhoc = coherent & (by_class < 0), adhoc & (by_class > 0)
    return (coherent | adhoc) & (reliability >= thresholds.reliability), reliability


def _by_mean(fit: GaussianFit, thresholds: Thresholds) -> tuple[Array, Array]:
    """Call every node, as the published rule does; only sampling makes the distance to the data mean uncertain."""
    error = np.sqrt(fit.var / fit.count)
    reliability = ndtr(np.abs(np.abs(fit.mean) - thresholds.epsilon) / np.where(error > 0, error, 1e-300))
    return np.ones(len(reliability), bool), np.asarray(reliability)


def _rows(crossed: list[GaussianFit], clusters: list[Clusters]) -> Array:
    """Count the rows behind the nearest cluster of each half, (2, N)."""
    nearest = [part.distances().argmin(axis=1)[:, None] for part in clusters]
    weight = [np.take_along_axis(fit.weight, at, axis=1)[:, 0] for fit, at in zip(crossed, nearest, strict=True)]
    return np.maximum(np.stack(weight) * crossed[0].count / 2, 1)


def _same_side(distances: Array, rows: Array, epsilon: float) -> Array:
    """Give the probability that other samples put the distance on the same side of the threshold, (N,).

    The standard error of the mean of both halves is that of |m|/s for Gaussian values, or half of what the halves
    differ by where that is more.
    """
    with np.errstate(invalid="ignore"):
        mean, differ = distances.mean(axis=0), np.abs(distances[0] - distances[1]) / 2
        error = np.sqrt((1 + mean**2 / 2) / rows.sum(axis=0))
        found = ndtr(np.abs(mean - epsilon) / np.maximum(error, differ))
    return np.where(np.isfinite(mean), found, np.nan)


def _gap(clusters: Clusters) -> Array:
    """Give the gap between the nearest cluster and the next to it, in their mean deviation (N,); 0 of a single one."""
    known = clusters.usable & np.isfinite(clusters.centre) & np.isfinite(clusters.scale)
    at = clusters.distances().argmin(axis=1)[:, None]
    centre, scale = (np.take_along_axis(part, at, axis=1) for part in (clusters.centre, clusters.scale))
    gap = np.abs(clusters.centre - centre) / ((clusters.scale + scale) / 2)
    gap[~known | (np.arange(gap.shape[1]) == at)] = np.inf
    least = gap.min(axis=1)
    return np.where(np.isfinite(least), least, 0.0)


def _alone(fit: GaussianFit, thresholds: Thresholds, distance: Array) -> tuple[Array, Array | None]:
    """Say whether the nearest cluster is one, and on which side of the threshold the classes put the boundary.

    Returns
    -------
    alone
        (N,); with classes True, since these say more.
    by_class
        (N,) -1 clearly within the threshold of a class's mean, 1 clearly beyond it of all, 0 neither; None without.
    """
    if len(fit.class_mean) > 1:
        return np.ones(len(distance), bool), _side_of_classes(fit, thresholds, fit.count)
    asked = np.where(np.isnan(fit.bic), np.inf, fit.bic).argmin(axis=1) + 1
    clusters = clusters_of(fit, thresholds)
    narrow = np.where(clusters.usable & np.isfinite(clusters.scale), clusters.scale, np.inf)
    at = clusters.distances().argmin(axis=1)[:, None]
    own = np.take_along_axis(clusters.scale, at, axis=1)[:, 0]
    # with as many Gaussians as were allowed, BIC may have wanted more
    one = (asked == fit.components) & ((asked < fit.bic.shape[1]) | (fit.bic.shape[1] == 1))
    return one & (own <= WIDE * narrow.min(axis=1)), None


def labels_by_class(fit: GaussianFit, thresholds: Thresholds, samples: int) -> Array:
    """Label boundaries by the means of classes, which are known without a mixture: only sampling makes them uncertain.

    Parameters
    ----------
    fit
        Gaussians of the nodes of one layer, fitted with labels.
    thresholds
        Threshold, and least reliability.
    samples
        Number of samples behind the rows: those of one sample count as one.

    Returns
    -------
    Array
        ``coherent``, ``adhoc`` or ``undecided`` for each node (N,).
    """
    side = _side_of_classes(fit, thresholds, samples)
    return np.where(side < 0, "coherent", np.where(side > 0, "adhoc", "undecided"))


def _side_of_classes(fit: GaussianFit, thresholds: Thresholds, samples: int) -> Array:
    classes = classes_of(fit)
    distances = classes.distances()
    error = np.sqrt(
        (1 + np.where(np.isfinite(distances), distances, 0) ** 2 / 2)
        / np.maximum(fit.class_count * (samples / fit.count), 1)
    )
    margin = ndtri(thresholds.reliability) * error
    within = (distances + margin <= thresholds.epsilon).any(axis=1)
    beyond = (distances - margin > thresholds.epsilon).all(axis=1) & np.isfinite(distances).any(axis=1)
    return np.where(within, -1, np.where(beyond, 1, 0))

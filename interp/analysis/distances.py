"""How sure the distance from a boundary to a component of a node's mixture is.

A component's mean and width are known less well than from as many separate values wherever components overlap: whose
value is whose is itself estimated. The error here is that of the maximum-likelihood mixture with the number of
components it has, by the sandwich formula (White 1982), which also holds where the values are no Gaussian mixture.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.types import Array, GaussianFit

NODES_A_BLOCK = 16
LEAST_ROWS = 100
"""Number of separate values that a distance must be known as well as from, to have an interval: else none covers."""
LEAST_SEPARATION = 2.0
"""Least distance of a component's mean from the others', in mean standard deviations: closer ones get confused."""
LEFT_TO_GAIN = 0.5
"""Most that the fit may still have moved, in standard errors, when it stopped: beyond, it is no maximum yet."""


class Known(NamedTuple):
    """How well distances are known, each (N, K).

    Attributes
    ----------
    error
        Standard errors of the distances |m|/s; NaN where a component is not there, or its error not to be had.
    rows
        Numbers of separate Gaussian values that would tell the distances as well.
    """

    error: Array
    rows: Array


def distance_interval(
    distance: Array, component: Array, fit: GaussianFit, critical: float = 1.959964
) -> tuple[Array, Array]:
    """Give 95 % intervals of distances from boundaries to components, given the number of components.

    Parameters
    ----------
    distance
        Distance |m|/s of each node's boundary to one of its components, (N,); NaN for none.
    component
        Index of that component, (N,); NaN for none.
    fit
        Mixtures of the nodes.
    critical
        Half the width of an interval, in standard errors.

    Returns
    -------
    low, high
        (N,) each; NaN where the distance is known no better than from `LEAST_ROWS` separate values, or another
        component is closer than `LEAST_SEPARATION`.

    Examples
    --------
    >>> from interp.analysis.gaussians import fit_gaussians
    >>> fit = fit_gaussians(np.random.default_rng(0).normal([0, 2], 1, (10_000, 2)))
    >>> low, high = distance_interval(np.abs(fit.mean) / np.sqrt(fit.var), np.zeros(2, int), fit)
    >>> bool(low[0] == 0), bool(low[1] < 2 < high[1])
    (True, True)
    """
    known = known_distances(fit)
    at = np.nan_to_num(component).astype(int)[:, None]
    error, rows = (np.take_along_axis(part, at, axis=1)[:, 0] for part in known)
    alone = np.take_along_axis(_separations(fit), at, axis=1)[:, 0] >= LEAST_SEPARATION
    half = np.where(np.isfinite(component) & (rows >= LEAST_ROWS) & alone, critical * error, np.nan)
    return np.maximum(distance - half, 0), np.asarray(distance + half)


def known_distances(fit: GaussianFit) -> Known:
    """Give the standard error of the distance from z = 0 to every component, by the sandwich formula."""
    error = np.full(fit.weight.shape, np.nan)
    there = (fit.weight > 0) & (fit.component_var > 0)
    for k in range(1, there.shape[1] + 1):
        nodes = np.flatnonzero(there.sum(axis=1) == k)
        for start in range(0, len(nodes), NODES_A_BLOCK):
            some = nodes[start : start + NODES_A_BLOCK]
            own = (fit.weight[some], fit.component_mean[some], fit.component_var[some])
            weight, mean, var = (part[there[some]].reshape(-1, k) for part in own)
            found = np.full((len(some), there.shape[1]), np.nan)
            found[there[some]] = _errors(*_values(fit, some), weight, mean, var, fit.count).ravel()
            error[some] = found
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = 1 + fit.component_mean**2 / fit.component_var / 2  # n times the variance, from n separate values
        rows = np.where(error > 0, alone / error**2, np.where(error == 0, np.inf, 0))
    return Known(error, rows)


def _separations(fit: GaussianFit) -> Array:
    """Give each component's distance to the closest other, in the mean of their standard deviations, (N, K)."""
    mean, sd = fit.component_mean, np.sqrt(fit.component_var)
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = np.abs(mean[:, :, None] - mean[:, None]) / ((sd[:, :, None] + sd[:, None]) / 2)
    gaps[:, np.eye(mean.shape[1], dtype=bool)] = np.inf
    return np.asarray(np.where(np.isnan(gaps), np.inf, gaps).min(axis=2))


def _values(fit: GaussianFit, nodes: Array) -> tuple[Array, Array]:
    """Give the middles of a histogram's bins, and the share of rows in each, (n, B) both."""
    bins = fit.histogram.shape[1]
    lowest, highest = fit.minimum[nodes, None], fit.maximum[nodes, None]
    middles = lowest + (highest - lowest) * (np.arange(bins) + 0.5) / bins
    return middles, fit.histogram[nodes] / fit.count


def _errors(z: Array, share: Array, weight: Array, mean: Array, var: Array, rows: int) -> Array:
    """Give the standard errors of |m|/s of mixtures of K components each, (n, K); NaN where EM had not arrived."""
    score, outer, curvature = _derivatives(z, share, weight, mean, var)
    inverse = np.linalg.pinv(curvature, hermitian=True)
    covariance = inverse @ outer @ inverse / rows
    slope = _slopes(mean, var, curvature.shape[1])
    variance = np.einsum("nki,nij,nkj->nk", slope, covariance, slope)
    ahead = np.einsum("nki,nij,nj->nk", slope, inverse, score)  # Newton's next step, of each distance
    error = np.sqrt(np.maximum(variance, 0))
    peak = np.linalg.eigvalsh(curvature).max(axis=1, keepdims=True) < 0
    return np.where(peak & (np.abs(ahead) <= LEFT_TO_GAIN * error), error, np.nan)


def _derivatives(z: Array, share: Array, weight: Array, mean: Array, var: Array) -> tuple[Array, Array, Array]:
    """Give the mean score (n, P), its mean outer product, and the mean Hessian (n, P, P) of the log-likelihood.

    Parameters are K means, K variances and K - 1 weights, the last weight being what is left of 1.
    """
    nodes, parts = weight.shape
    away = z[:, :, None] - mean[:, None]
    logs = np.log(weight / np.sqrt(var))[:, None] - away**2 / (2 * var[:, None])
    mine = np.exp(logs - logs.max(axis=2, keepdims=True))
    mine /= mine.sum(axis=2, keepdims=True)
    slopes = np.zeros((*away.shape, 3 * parts - 1))  # of the log-density of each component
    curved = np.zeros((nodes, slopes.shape[-1], slopes.shape[-1]))
    mass = share[:, :, None] * mine
    for k in range(parts):
        v, u, rows = var[:, None, k], away[:, :, k], mass[:, :, k]
        slopes[:, :, k, k] = u / v
        slopes[:, :, k, parts + k] = (u**2 / v - 1) / (2 * v)
        curved[:, k, k] -= rows.sum(axis=1) / var[:, k]
        mixed = -(rows * u).sum(axis=1) / var[:, k] ** 2
        curved[:, k, parts + k] += mixed
        curved[:, parts + k, k] += mixed
        curved[:, parts + k, parts + k] += (rows * (0.5 - u**2 / v)).sum(axis=1) / var[:, k] ** 2
        own = slice(2 * parts + k, 2 * parts + k + 1) if k < parts - 1 else slice(2 * parts, None)
        sign = 1 if k < parts - 1 else -1
        slopes[:, :, k, own] = (sign / weight[:, k])[:, None, None]
        curved[:, own, own] -= (rows.sum(axis=1) / weight[:, k] ** 2)[:, None, None]
    score = np.einsum("nbk,nbki->nbi", mine, slopes)
    outer = np.einsum("nb,nbi,nbj->nij", share, score, score, optimize=True)
    within = np.einsum("nbk,nbki,nbkj->nij", mass, slopes, slopes, optimize=True)
    return np.einsum("nb,nbi->ni", share, score), outer, curved + within - outer


def _slopes(mean: Array, var: Array, parameters: int) -> Array:
    """Give the slope of each component's |m|/s along all parameters, (n, K, P)."""
    parts = mean.shape[1]
    slopes, k = np.zeros((*mean.shape, parameters)), np.arange(parts)
    slopes[:, k, k] = np.where(mean < 0, -1, 1) / np.sqrt(var)
    slopes[:, k, parts + k] = -np.abs(mean) / (2 * var**1.5)
    return slopes

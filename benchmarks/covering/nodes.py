"""Intervals over nodes: distances to components, shares of nodes, rank correlations, ranges of nulls."""

from __future__ import annotations

import numpy as np
from scipy import stats

from covering.samples import Covered, held, kept
from interp.analysis import GaussianOptions, fit_gaussians, share_interval
from interp.analysis.distances import distance_interval
from interp.types import ClusterMatch
from interp.verdict.attribution.agreement import bootstrap, spearman


def share(rng, trials, nodes, most) -> Covered:
    """Draw shares evenly up to the most, and how many nodes are coherent of each."""
    truth = rng.uniform(0, most, trials)
    return held(*share_interval(rng.binomial(nodes, truth), nodes), truth)


def share_seen(rng, trials, nodes, hits) -> Covered:
    """Draw shares evenly, and keep those of which so many nodes are coherent."""
    truth = kept(lambda share: rng.binomial(nodes, share) == hits, rng, trials, min((3 * hits + 15) / nodes, 1))
    return held(*share_interval(hits, nodes), truth)


def distance(rng, trials, rows, separation, weight, displaced) -> Covered:
    """Two unit Gaussians, of which BIC sees two; the boundary `displaced` sigma from the first."""
    out = []
    for start in range(0, trials, 200):
        nodes = min(200, trials - start)
        first = rng.random((rows, nodes)) < weight
        z = rng.normal(size=(rows, nodes)) + np.where(first, 0, separation) + displaced
        fit = fit_gaussians(z, None, GaussianOptions(components=3, crossed=False))
        gaps = np.abs(fit.component_mean) / np.sqrt(fit.component_var)
        component = np.where(fit.weight >= 0.05, gaps, np.inf).argmin(1)
        found = distance_interval(gaps[np.arange(nodes), component], component, fit)
        given = fit.components == (2 if separation else 1)
        out.append(np.where(given, held(*found, displaced), np.nan))
    return np.concatenate(out)


def merged_distance(rng, trials, rows, separation, weight, displaced) -> Covered:
    """Two unit Gaussians seen as one cluster: the distance is that to their common mean, in their common deviation."""
    out = []
    middle, spread = separation * (1 - weight), np.sqrt(1 + separation**2 * weight * (1 - weight))
    for start in range(0, trials, 200):
        nodes = min(200, trials - start)
        first = rng.random((rows, nodes)) < weight
        z = rng.normal(size=(rows, nodes)) + np.where(first, 0, separation) - middle + displaced
        fit = fit_gaussians(z, None, GaussianOptions(components=3, crossed=False))
        gaps = np.abs(fit.component_mean[:, 0]) / np.sqrt(fit.component_var[:, 0])
        found = distance_interval(gaps, np.zeros(nodes, int), fit)
        out.append(np.where(fit.components == 1, held(*found, displaced / spread), np.nan))
    return np.concatenate(out)


def correlation(rng, trials, nodes, rho, silent) -> Covered:
    """Draw normal scores with this correlation, a share of nodes silent under both measures."""

    def draw(count):
        first = rng.normal(size=count)
        second = rho * first + np.sqrt(1 - rho**2) * rng.normal(size=count)
        none = rng.random(count) < silent
        return np.where(none, -9, first), np.where(none, -9, second)

    truth = float(stats.spearmanr(*draw(400_000)).statistic)
    out = []
    for trial in range(trials):
        first, second = draw(nodes)
        if not np.isfinite(spearman(first, second)[0]):
            continue
        out.append(held(*bootstrap(first, second, 200, trial), truth))
    return np.array(out, float)


def null_range(rng, trials, repetitions) -> Covered:
    """Whether a further draw lies within the central 95 % of so many, as the page prints it."""
    drawn = rng.normal(size=(trials, repetitions + 1))
    empty = {key: {} for key in ("match", "distance")}
    out = []
    for one in drawn:
        null = {"nearest": {"null": one[1:]}}
        match = ClusterMatch(k=1, centroids=one, rows=1, null_distance=null, agreement=None, accuracy=None, **empty)
        _, low, high = match.null_range("nearest")["null"]
        out.append(held(low, high, one[0]))
    return np.array(out, float)

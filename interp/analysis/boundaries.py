"""Whether each boundary z = 0 passes through a cluster's mean, beside what chance would give."""

from __future__ import annotations

import numpy as np

from interp.analysis.distances import distance_interval
from interp.analysis.nulls import chance_curves, chance_within, clusters_of, random_points, share_p_values
from interp.analysis.statistics import benjamini_hochberg, share_interval
from interp.errors import UsageError, check_kind, check_seed, unknown_name
from interp.types import UNSAMPLED, Array, Boundaries, GaussianFit, Thresholds, as_column

PRESETS: dict[str, Thresholds] = {
    "default": Thresholds(),
    "as-nn": Thresholds(rule="mean", epsilon=1.0, one_sided=1.01),
}
"""Name -> thresholds. ``as-nn`` is the rule of experiment 1 of as-NN, |W mu + b| <= 1, which has no one-sided nodes."""

EPSILONS = np.unique(np.round(np.geomspace(0.01, 3, 36), 4))
"""Thresholds, in sigma, at which the share of coherent nodes is given."""


def preset(name: str) -> Thresholds:
    """Look thresholds up by name.

    Parameters
    ----------
    name
        Name of the thresholds, a key of `PRESETS`.

    Returns
    -------
    Thresholds
        Rule and numbers that go by this name.

    Raises
    ------
    UsageError
        If there is none of that name; the message names those that are spelled alike.

    Examples
    --------
    >>> preset("as-nn").epsilon
    1.0
    """
    if name not in PRESETS:
        raise unknown_name("--preset", name, PRESETS)
    return PRESETS[name]


def classify_boundaries(
    fit: GaussianFit,
    thresholds: Thresholds = Thresholds(),
    *,
    dead: Array | None = None,
    bias: Array | None = None,
    directions: GaussianFit | None = None,
    seed: int = 0,
) -> Boundaries:
    """Tell coherent boundaries, which pass through the mean of a cluster, from ad hoc ones.

    The distance of the boundary z = 0 to a component with mean m and standard deviation s is d = |m| / s, in sigma.
    Its 95 % interval is that of `distance_interval`, and its p-value the chance that a parallel boundary through a
    random data point comes as close. Rule ``mean`` is that of as-NN, experiment 1.

    Parameters
    ----------
    fit
        Gaussians of the N nodes of one layer.
    thresholds
        Rule, and the numbers from which a boundary is coherent or one-sided.
    dead
        True for each node whose activation output does not vary (N,); None for the nodes whose z does not.
    bias
        Biases of the nodes (N,), for the null that permutes them among nodes; None leaves that null out.
    directions
        Gaussians of random directions through the same inputs, for the null of that name; None leaves it out.
    seed
        Seed of the random number generators of bootstrap and permutations.

    Returns
    -------
    Boundaries
        Kind and distance of each node, and the share of coherent nodes beside its nulls.

    Raises
    ------
    DataError
        If `dead` or `bias` does not have one entry for each node.
    UsageError
        If a threshold is out of range, or an argument is of another class.

    Examples
    --------
    >>> from interp.analysis.gaussians import fit_gaussians
    >>> z = np.random.default_rng(0).normal([0, 2], 1, (500, 2))
    >>> classify_boundaries(fit_gaussians(z)).kind
    array(['coherent', 'adhoc'], dtype='<U9')
    """
    _check(fit, thresholds, directions, seed)
    dead = as_column("dead", fit.var <= 0 if dead is None else dead, len(fit.var)).astype(bool)
    bias = None if bias is None else as_column("bias", bias, len(fit.var))
    classified = ~dead & (np.isin(np.arange(len(dead)), fit.nodes) | (thresholds.rule == "mean"))
    clusters = clusters_of(fit, thresholds)
    gaps = np.abs(clusters.centre) / clusters.scale
    component, distance = _closest(gaps, clusters.usable)
    component, distance = np.where(classified, component, -1), np.where(classified, distance, np.nan)
    if thresholds.rule == "mean":
        half = 1.959964 * np.sqrt(fit.var / fit.count)  # of a mean, in units of z
        low, high = np.maximum(distance - half, 0), distance + half
    else:
        low, high = distance_interval(distance, component, fit)
    p_value = np.where(classified, chance_within(fit, clusters, np.nan_to_num(distance)[:, None])[:, 0], np.nan)
    epsilons = np.unique([*EPSILONS, thresholds.epsilon])
    within = distance[classified, None] <= epsilons
    share_low, share_high = share_interval(within.sum(axis=0), len(within)) if len(within) else (epsilons * np.nan,) * 2
    points = random_points(fit, clusters, classified, epsilons)
    nulls = chance_curves(
        points, clusters, classified, epsilons, bias=bias, directions=directions, thresholds=thresholds, seed=seed
    )
    return Boundaries(
        kind=_kinds(fit, distance, dead, classified, thresholds),
        component=component,
        distance=distance,
        distance_low=low,
        distance_high=high,
        component_distance=gaps,
        p_value=p_value,
        q_value=benjamini_hochberg(p_value),
        epsilons=epsilons,
        share=within.mean(axis=0) if len(within) else epsilons * np.nan,
        share_low=share_low,
        share_high=share_high,
        null_share={name: curve.share for name, curve in nulls.items()},
        null_low={name: curve.low for name, curve in nulls.items()},
        null_high={name: curve.high for name, curve in nulls.items()},
        share_p_value=share_p_values(points, within.sum(axis=0)),
        thresholds=thresholds,
    )


def _check(fit: object, thresholds: Thresholds, directions: object, seed: object) -> None:
    check_kind("fit", fit, GaussianFit, do="make one with interp.fit_gaussians(z)")
    check_kind("thresholds", thresholds, Thresholds, do="for example interp.Thresholds(epsilon=0.1)")
    check_kind("directions", directions, (GaussianFit, type(None)), do="make one with interp.fit_gaussians(z)")
    check_seed(seed)
    if not thresholds.epsilon > 0 or not 0 < thresholds.min_weight < 1 or not thresholds.one_sided > 0.5:
        raise UsageError(
            "thresholds",
            found=f"epsilon {thresholds.epsilon}, min weight {thresholds.min_weight}, one-sided {thresholds.one_sided}",
            expected="epsilon > 0, 0 < min weight < 1, one-sided > 0.5",
            do="change them",
        )


def _closest(gaps: Array, usable: Array) -> tuple[Array, Array]:
    allowed = np.where(usable & np.isfinite(gaps), gaps, np.inf)
    component = allowed.argmin(axis=1)
    distance = np.take_along_axis(allowed, component[:, None], axis=1)[:, 0]
    return component, np.where(np.isfinite(distance), distance, np.nan)


def _kinds(fit: GaussianFit, distance: Array, dead: Array, classified: Array, thresholds: Thresholds) -> Array:
    one_side = np.maximum(fit.positive_share, 1 - fit.positive_share) >= thresholds.one_sided
    kind = np.where(distance <= thresholds.epsilon, "coherent", "adhoc")
    kind = np.where(classified, kind, UNSAMPLED)
    kind = np.where(one_side, "one-sided", kind)
    return np.where(dead, "dead", kind).astype("<U9")

"""Whether each boundary z = 0 passes through a cluster's mean, beside what chance would give."""

from __future__ import annotations

import numpy as np

from interp.analysis.distances import distance_interval
from interp.analysis.distributions import Distribution
from interp.analysis.labels import claimed, labels_by_class
from interp.analysis.nulls.clusters import chance_within, classes_of, clusters_of
from interp.analysis.nulls.shares import Shares, shares_of
from interp.analysis.statistics import benjamini_hochberg
from interp.errors import UsageError, unknown_name
from interp.types import UNSAMPLED, Array, Boundaries, Coherence, GaussianFit, Thresholds, as_column
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Seed

PRESETS: dict[str, Thresholds] = {
    "default": Thresholds(),
    "as-nn": Thresholds(rule="mean", epsilon=1.0, one_sided=1.01),
}
"""Name -> thresholds. ``as-nn`` is the rule of experiment 1 of as-NN: |W mu + b| <= 1 is coherent, and a node whose
final mean squared error is above 1.7 is dead; there are neither one-sided nor undecided nodes."""

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


@checked
def classify_boundaries(
    fit: GaussianFit,
    thresholds: Thresholds = Thresholds(),
    *,
    dead: Array | None = None,
    bias: Array | None = None,
    directions: GaussianFit | None = None,
    loss: Array | None = None,
    samples: int | None = None,
    seed: Seed = 0,
) -> Boundaries:
    """Tell coherent boundaries, which pass through the mean of a cluster, from adhoc ones.

    The distance of the boundary z = 0 to a component with mean m and standard deviation s is d = |m| / s, in sigma.
    Its 95 % interval is that of `distance_interval`, and its p-value the chance that a parallel boundary through a
    random data point comes as close. Rule ``mean`` is that of as-NN, experiment 1. A node is called coherent or adhoc
    only where the data allow it (`interp.analysis.labels`), else undecided; shares and nulls count all live nodes.

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
        Gaussians of random directions through the same inputs, weights of variance 1 and no bias, for the nulls
        ``random direction`` and ``fresh ...``; None leaves them out.
    loss
        Final loss of each node (N,), by which rule ``mean`` calls a node dead; None where it is not known.
    samples
        Number of samples behind the rows of the fit, which labels by the means of classes are as sure as; None: one
        for each row.
    seed
        Seed of the random number generators of bootstrap and permutations.

    Returns
    -------
    Boundaries
        Kind and distance of each node, and the share of coherent nodes beside its nulls.

    Raises
    ------
    DataError
        If `dead`, `bias` or `loss` does not have one entry for each node.
    UsageError
        If a threshold is out of range, or an argument is of another class.

    Examples
    --------
    >>> from interp.analysis.gaussians import fit_gaussians
    >>> rng = np.random.default_rng(0)
    >>> z = np.where(rng.random((900, 2)) < 0.5, rng.normal(0, 1, (900, 2)), rng.normal(8, 1, (900, 2)))
    >>> classify_boundaries(fit_gaussians(z - [0, 4])).kind
    array(['coherent', 'adhoc'], dtype='<U9')
    """
    _check_thresholds(thresholds)
    dead = as_column("dead", fit.var <= 0 if dead is None else dead, len(fit.var)).astype(bool)
    if loss is not None and thresholds.rule == "mean":
        dead = dead | (as_column("loss", loss, len(fit.var)) > thresholds.dead_loss)
    bias = None if bias is None else as_column("bias", bias, len(fit.var))
    classified = ~dead & (np.isin(np.arange(len(dead)), fit.nodes) | (thresholds.rule == "mean"))
    clusters = clusters_of(fit, thresholds)
    component, distance = _closest(np.abs(clusters.centre) / clusters.scale, clusters.usable & classified[:, None])
    if thresholds.rule == "mean":
        component = np.full(len(distance), np.nan)  # the one centre is that of all rows
        half = 1.959964 * np.sqrt(fit.var / fit.count)  # of a mean, in units of z
        low, high = np.maximum(distance - half, 0), distance + half
    else:
        low, high = distance_interval(distance, component, fit)
    values = Distribution.of_fit(fit)
    within = chance_within(values, clusters, np.nan_to_num(distance)[:, None])[:, 0]
    p_value = np.where(np.isfinite(distance), within, np.nan)
    is_claimed, reliability = claimed(fit, thresholds, distance)
    epsilons = np.unique([*EPSILONS, thresholds.epsilon])
    pool = None if directions is None else (directions, clusters_of(directions, thresholds))
    found = shares_of(fit, clusters, classified, epsilons, bias=bias, pool=pool, seed=seed)
    label = np.where(is_claimed, np.where(distance <= thresholds.epsilon, "coherent", "adhoc"), "undecided")
    return Boundaries(
        kind=_kinds(fit, label, dead, classified, thresholds),
        component=component,
        distance=distance,
        distance_low=low,
        distance_high=high,
        component_distance=np.abs(clusters.centre) / clusters.scale,
        p_value=p_value,
        q_value=benjamini_hochberg(p_value),
        epsilons=epsilons,
        share=found.share,
        share_low=found.low,
        share_high=found.high,
        share_p_value=found.worst,
        thresholds=thresholds,
        reliability=np.where(classified, reliability, np.nan),
        by_class=_by_class(fit, dead, classified, epsilons, thresholds, bias, directions, samples, seed),
        **found.nulls(),
    )


def _by_class(
    fit: GaussianFit,
    dead: Array,
    classified: Array,
    epsilons: Array,
    thresholds: Thresholds,
    bias: Array | None,
    directions: GaussianFit | None,
    samples: int | None,
    seed: int,
) -> Coherence | None:
    """Set the distances to class-conditional means beside their nulls, where the rule is about clusters."""
    if thresholds.rule == "mean" or len(fit.class_mean) < 2:
        return None
    clusters = classes_of(fit)
    distance = np.where(classified, clusters.nearest(), np.nan)
    with_classes = directions is not None and len(directions.class_mean) > 1
    pool = (directions, classes_of(directions)) if directions is not None and with_classes else None
    found: Shares = shares_of(fit, clusters, classified, epsilons, bias=bias, pool=pool, seed=seed)
    return Coherence(
        distance=np.where(np.isfinite(distance), distance, np.nan),
        share=found.share,
        share_low=found.low,
        share_high=found.high,
        kind=_kinds(fit, labels_by_class(fit, thresholds, samples or fit.count), dead, classified, thresholds),
        **found.nulls(),
    )


def _check_thresholds(thresholds: Thresholds) -> None:
    if not thresholds.epsilon > 0 or not 0 < thresholds.min_weight < 1 or not thresholds.one_sided > 0.5:
        raise UsageError(
            "thresholds",
            found=f"epsilon {thresholds.epsilon}, min weight {thresholds.min_weight}, one-sided {thresholds.one_sided}",
            expected="epsilon > 0, 0 < min weight < 1, one-sided > 0.5",
            do="change them",
        )
    if not 0 <= thresholds.reliability < 1:
        found = f"reliability {thresholds.reliability}"
        raise UsageError("thresholds", found=found, expected="from 0 to below 1", do="change it")


def _closest(gaps: Array, usable: Array) -> tuple[Array, Array]:
    """Give the usable component that is closest to each boundary, and its distance; NaN where there is none."""
    allowed = np.where(usable & np.isfinite(gaps), gaps, np.inf)
    component = allowed.argmin(axis=1)
    distance = np.take_along_axis(allowed, component[:, None], axis=1)[:, 0]
    is_found = np.isfinite(distance)
    return np.where(is_found, component, np.nan), np.where(is_found, distance, np.nan)


def _kinds(fit: GaussianFit, label: Array, dead: Array, classified: Array, thresholds: Thresholds) -> Array:
    one_side = np.maximum(fit.positive_share, 1 - fit.positive_share) >= thresholds.one_sided
    kind = np.where(classified, label, UNSAMPLED)
    kind = np.where(one_side, "one-sided", kind)
    return np.where(dead, "dead", kind).astype("<U9")

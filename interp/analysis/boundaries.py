"""Whether each boundary z = 0 passes through a cluster's mean, beside what chance would give."""

from __future__ import annotations

import numpy as np

from interp.analysis.nulls import chance_curves, chance_within, clusters_of, random_points, share_p_values
from interp.analysis.statistics import benjamini_hochberg, bootstrap_shares
from interp.errors import UsageError, unknown_name
from interp.types import UNSAMPLED, Array, Boundaries, GaussianFit, Thresholds

PRESETS: dict[str, Thresholds] = {
    "default": Thresholds(),
    "as-nn": Thresholds(rule="mean", epsilon=1.0, one_sided=1.01),
}
"""Named thresholds. ``as-nn`` is the published rule |W mu + b| <= 1, which knows no one-sided nodes."""

EPSILONS = np.unique(np.round(np.geomspace(0.01, 3, 36), 4))
REPETITIONS = 1000


def preset(name: str) -> Thresholds:
    """Look thresholds up by name; a wrong one is answered with the close ones."""
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
    """Tell coherent boundaries from ad hoc ones.

    Parameters
    ----------
    fit
        Of one layer.
    thresholds
        What counts as what.
    dead
        (N,) nodes whose activation output does not vary; default: constant z.
    bias
        (N,) for the null that permutes biases among nodes; left out without it.
    directions
        Fit of random directions through the same inputs, for the null of that name.
    seed
        Of bootstrap and permutations.

    Raises
    ------
    UsageError
        If a threshold is out of range.
    """
    _check(thresholds)
    dead = np.asarray(fit.var <= 0 if dead is None else dead, bool)
    judged = ~dead & (np.isin(np.arange(len(dead)), fit.nodes) | (thresholds.rule == "mean"))
    places = clusters_of(fit, thresholds)
    gaps = np.abs(places.centre) / places.scale
    component, distance = _closest(gaps, places.usable)
    component, distance = np.where(judged, component, -1), np.where(judged, distance, np.nan)
    if thresholds.rule == "mean":
        error = np.sqrt(fit.var / fit.count)  # of a mean, in its own unit
    else:
        error = distance_error(distance, _rows_behind(fit, component))
    p_value = np.where(judged, chance_within(fit, places, np.nan_to_num(distance)[:, None])[:, 0], np.nan)
    epsilons = np.unique([*EPSILONS, thresholds.epsilon])
    within = distance[judged, None] <= epsilons
    share_low, share_high = bootstrap_shares(within, REPETITIONS, seed) if len(within) else (epsilons * np.nan,) * 2
    points = random_points(fit, places, judged, epsilons)
    nulls = chance_curves(
        points, places, judged, epsilons, bias=bias, directions=directions, thresholds=thresholds, seed=seed
    )
    return Boundaries(
        kind=_kinds(fit, distance, dead, judged, thresholds),
        component=component,
        distance=distance,
        distance_low=np.maximum(distance - 1.96 * error, 0),
        distance_high=distance + 1.96 * error,
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


def _check(thresholds: Thresholds) -> None:
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


def _rows_behind(fit: GaussianFit, component: Array) -> Array:
    """(N,) rows that a component's mean and width were estimated from."""
    weight = np.take_along_axis(fit.weight, np.maximum(component, 0)[:, None], axis=1)[:, 0]
    return np.asarray(np.maximum(fit.count * weight, 1))


def distance_error(distance: Array, rows: Array) -> Array:
    """Give the standard error of |m|/s from `rows` Gaussian values: sqrt((1 + d^2/2) / rows), by the delta method."""
    return np.asarray(np.sqrt((1 + np.square(distance) / 2) / rows))


def _kinds(fit: GaussianFit, distance: Array, dead: Array, judged: Array, thresholds: Thresholds) -> Array:
    one_side = np.maximum(fit.positive_share, 1 - fit.positive_share) >= thresholds.one_sided
    kind = np.where(distance <= thresholds.epsilon, "coherent", "adhoc")
    kind = np.where(judged, kind, UNSAMPLED)
    kind = np.where(one_side, "one-sided", kind)
    return np.where(dead, "dead", kind).astype("<U9")

"""The levels of each sweep: the published ones, an exact no-op, and others spread between."""

from __future__ import annotations

import numpy as np

from interp.interventions.edits import NO_OPS, find_intervention
from interp.types import Array

PUBLISHED = {
    "scale": (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0),
    "clip": (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0),
    "offset": (
        -2.0, -1.0, -0.75, -0.5, -0.25, -0.1, -0.05, -0.03, -0.02, -0.01, 0.0,
        0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0,
    ),
}  # fmt: skip
"""Levels of the published tables (use-DM)."""

BETWEEN = {
    "scale": (0.01, 10, "log"),
    "clip": (0.01, 1.2, "even"),
    "offset": (-2, 1, "both"),
}


def levels(intervention: str, count: int = 60) -> Array:
    """Give `count` levels in order: the no-op, the published ones, and others spread between.

    Parameters
    ----------
    intervention
        Name in `INTERVENTIONS`, or ``package.module:name``.
    count
        Number of levels, but never fewer than the published ones with the no-op.

    Returns
    -------
    levels
        Levels in ascending order, (E,); fractions of a node's output range, but factors for ``scale``.

    Raises
    ------
    UsageError
        If there is no such intervention.

    Examples
    --------
    >>> len(levels("clip")), float(levels("clip")[-1])
    (60, inf)
    >>> levels("clamp-min", 5)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    if intervention not in PUBLISHED:
        return _even(intervention, count)
    fixed = sorted({*PUBLISHED[intervention], NO_OPS[intervention]})
    between = _between(intervention, max(61, 2 * count))
    spread = [x for x in np.round(between, 4) if min(abs(x - y) for y in fixed) > 1e-6]
    take = np.linspace(0, len(spread) - 1, max(0, count - len(fixed))).round().astype(int)
    return np.array(sorted({*fixed, *(spread[i] for i in np.unique(take))}))


def _between(intervention: str, count: int) -> Array:
    low, high, how = BETWEEN[intervention]
    if how == "log":
        return np.geomspace(low, high, count)
    if how == "even":
        return np.linspace(low, high, count)
    below = count * 26 // 48
    return np.concatenate([np.geomspace(low, -0.005, below), np.geomspace(0.005, high, count - below)])


def _even(intervention: str, count: int) -> Array:
    """Give 0 to 1 in equal steps, a user's own levels, and always the no-op where it is known."""
    own = getattr(find_intervention(intervention), "levels", None)
    spread = np.linspace(0, 1, max(count, 2)) if own is None else np.asarray(own, float)
    known = no_op(intervention)
    return np.unique(spread if np.isnan(known) else [*spread, known])


def no_op(intervention: str) -> float:
    """Give the level that changes nothing; NaN where a user's function does not say."""
    if intervention in NO_OPS:
        return NO_OPS[intervention]
    return float(getattr(find_intervention(intervention), "no_op", np.nan))

"""Similarity of two rankings of the nodes."""

from __future__ import annotations

import numpy as np
import scipy

from interp.types import Array

LEAST_NODES = 16
"""Number of nodes from which a rank correlation has an interval: over fewer, drawing nodes anew does not cover."""


def spearman(first: Array, second: Array) -> tuple[float, float]:
    """Give Spearman's rank correlation rho and its two-sided p-value.

    Parameters
    ----------
    first, second
        Importances of the same nodes (N,).

    Returns
    -------
    rho, p_value
        Rank correlation in [-1, 1] and its p-value; NaN for fewer than three nodes or constant importances.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([9.0, 4.0, 1.0]))[0]
    -1.0
    """
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan"), float("nan")
    result = scipy.stats.spearmanr(first, second)
    return float(result.statistic), float(result.pvalue)


def bootstrap(first: Array, second: Array, repetitions: int, seed: int) -> tuple[float, float]:
    """Give the 95 % percentile interval of rho; NaN for fewer than `LEAST_NODES`, and where most draws have none.

    Parameters
    ----------
    first, second
        Importances of the same nodes (N,).
    repetitions
        Number of bootstrap draws of nodes.
    seed
        Seed of the random number generator.

    Returns
    -------
    low, high
        Ends of the interval.
    """
    if len(first) < LEAST_NODES:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(first), (repetitions, len(first)))
    rhos = _of_rows(first[draws], second[draws])
    if np.isnan(rhos).mean() > 0.5:
        return float("nan"), float("nan")
    low, high = np.nanquantile(rhos, [0.025, 0.975])
    return float(low), float(high)


def _of_rows(first: Array, second: Array) -> Array:
    """Give rho of each row of two tables, (R, N) both; NaN where a row's values are all the same."""
    ranks = [scipy.stats.rankdata(table, axis=1) for table in (first, second)]
    away = [table - table.mean(axis=1, keepdims=True) for table in ranks]
    along = (away[0] * away[1]).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(along / np.sqrt((away[0] ** 2).sum(axis=1) * (away[1] ** 2).sum(axis=1)))

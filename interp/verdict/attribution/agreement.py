"""How alike two scores rank the nodes."""

from __future__ import annotations

import numpy as np
from scipy import stats

from interp.types import Array


def spearman(first: Array, second: Array) -> tuple[float, float]:
    """Give Spearman's rho and its p-value; NaN for fewer than three nodes or constant scores."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan"), float("nan")
    result = stats.spearmanr(first, second)
    return float(result.statistic), float(result.pvalue)


def bootstrap(first: Array, second: Array, repetitions: int, seed: int) -> tuple[float, float]:
    """Give the 95 % percentile interval of rho; NaN where most draws have none.

    Parameters
    ----------
    first, second
        Scores of the same nodes, (N,) each.
    repetitions
        Number of times that nodes are drawn with replacement.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(first), (repetitions, len(first)))
    rhos = np.array([spearman(first[rows], second[rows])[0] for rows in draws])
    if np.isnan(rhos).mean() > 0.5:
        return float("nan"), float("nan")
    low, high = np.nanquantile(rhos, [0.025, 0.975])
    return float(low), float(high)

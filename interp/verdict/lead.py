"""How far a network's R² lies above that of another model of the same samples, with its 95 % interval."""

from __future__ import annotations

import numpy as np

from interp.analysis import explained_change
from interp.types import Array

REACH = 1.96
"""Distance of the ends of a 95 % interval from its middle, in standard errors."""

SKEWED = 3.0
"""Multiple of the correction for skewness: that of a sample is far too small where few samples bear most errors."""


def lead_interval(outputs: Array, others: Array, values: Array) -> tuple[float, float]:
    """Give the 95 % interval of a network's R² less another model's, paired by sample.

    It is Fieller's of a change of R² (`interp.analysis.explained_change`), wider on the side of the longer tail of the
    differences by three times the first term of Edgeworth's expansion of Student's t (Hall 1992). How often two that
    are equally good are told apart is counted in ``docs/intervals.md``.

    Parameters
    ----------
    outputs, others
        Outputs of the network, and of the other model, (S, T).
    values
        Measured values (S, T); R² is the mean over those of the T columns that vary.

    Returns
    -------
    low, high
        Ends; NaN for fewer than 300 samples, and where no column varies clearly.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(1000, 1))
    >>> near, far = y + rng.normal(0, 0.5, y.shape), y + rng.normal(0, 0.7, y.shape)
    >>> low, high = lead_interval(near, far, y)
    >>> round(low, 2), round(high, 2)
    (0.17, 0.28)
    """
    gains, spread = _sums_over_columns(*(np.asarray(part, np.float64) for part in (outputs, others, values)))
    squares = (gains**2).sum(), (spread**2).sum(), (gains * spread).sum()
    low, high = explained_change(gains.sum(), spread.sum(), *squares, len(gains))
    return _for_skewness(gains, float(low), float(high))


def _sums_over_columns(outputs: Array, others: Array, values: Array) -> tuple[Array, Array]:
    """Give what each sample adds to the difference of R², and to the spread that is explained, (S,) each.

    Each column is in units of its own spread, which is estimated too: what a column's spread adds is taken from its
    share of the difference, and that of all columns is left in (delta method).
    """
    spread = (values - values.mean(0)) ** 2
    varies = spread.mean(0) > 1e-12 * (values**2).mean(0)
    unit = np.where(varies, spread.mean(0), np.inf)
    gains, spread = ((others - values) ** 2 - (outputs - values) ** 2) / unit, spread / unit
    of_columns = gains.mean(0)
    together = of_columns.sum() / max(varies.sum(), 1)
    return (gains - of_columns * spread + together * spread).sum(1), spread.sum(1)


def _for_skewness(gains: Array, low: float, high: float) -> tuple[float, float]:
    """Move the end of an interval on the side of the longer tail outwards."""
    moved = gains - gains.mean()
    skewness = (moved**3).mean() / max((moved**2).mean() ** 1.5, 1e-300)
    wider = SKEWED * skewness * (1 + 2 * REACH**2) / (6 * np.sqrt(len(gains))) / REACH * (high - low) / 2
    return float(low + min(wider, 0.0)), float(high + max(wider, 0.0))

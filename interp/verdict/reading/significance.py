"""Rank p-values against copies, and their correction for the number of layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp.types import Array


def rank_p_value(value: float, copies: Array) -> float:
    """Give the two-sided rank p-value of a statistic among its copies (Davison and Hinkley 1997, section 4.2).

    Twice the smaller share of the copies, the value itself among them, that lie at least as far out; 1 at most. Copies
    without a value are left out; NaN where the value is none or no copy has one.

    Parameters
    ----------
    value
        Statistic of the network.
    copies
        Statistic of its copies, (M,).

    Examples
    --------
    >>> rank_p_value(3.0, np.arange(99.0) / 99)
    0.02
    """
    known = copies[~np.isnan(copies)]
    if np.isnan(value) or not len(known):
        return float("nan")
    above, below = (1 + int((known >= value).sum())), (1 + int((known <= value).sum()))
    return min(1.0, 2 * min(above, below) / (len(known) + 1))


def holm(p_values: Array) -> Array:
    """Correct p-values for their number (Holm 1979); NaN stays NaN and counts for none.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    corrected: Array = np.full(np.shape(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(np.asarray(p_values)[known])]
    steps = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def copies_needed(layers: int, alpha: float) -> int:
    """Give the least number of copies with which the smallest corrected p-value can be as small as `alpha`.

    Examples
    --------
    >>> copies_needed(1, 0.02), copies_needed(3, 0.02)
    (99, 299)
    """
    return int(np.ceil(2 * layers / alpha - 1e-9)) - 1


@dataclass(frozen=True)
class Null:
    """What a statistic is in one kind of copies.

    Attributes
    ----------
    name
        Kind of copies: ``shuffled`` or ``fresh``.
    values
        Statistic of each, (M,); NaN where a copy has none.
    """

    name: str
    values: Array

    @property
    def known(self) -> Array:
        """Values of the copies that have one."""
        return np.asarray(self.values[~np.isnan(self.values)])

    @property
    def central(self) -> tuple[float, float]:
        """Central 95 % of the copies; NaN where there are none."""
        if not len(self.known):
            return float("nan"), float("nan")
        low, high = np.quantile(self.known, [0.025, 0.975])
        return float(low), float(high)

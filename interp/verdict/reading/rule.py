"""The rule by which a layer is said to be read as distances, as intensities, as neither, or not to be decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interp.types import Leaning
from interp.verdict.reading.significance import Null, rank_p_value


@dataclass(frozen=True)
class Rule:
    """Thresholds, which were fixed on planted networks that no published figure was measured on.

    Attributes
    ----------
    alpha
        Largest p-value, corrected for the number of layers, at which a layer is called.
    least
        Least size of the balance S that is called, whatever its p-value.
    power
        Size of the balance that would have to be found for a layer to be called neither rather than undecided.
    copies
        Least number of copies of each kind that have a balance.
    """

    alpha: float = 0.05
    least: float = 0.1
    power: float = 0.5
    copies: int = 99


def worst_p_value(balance: float, nulls: Sequence[Null]) -> float:
    """Give the largest of the rank p-values of the kinds of copies."""
    return float(np.max([rank_p_value(balance, null.values) for null in nulls]))


def leaning(balance: float, nulls: Sequence[Null], corrected: float, layers: int, rule: Rule = Rule()) -> Leaning:
    """Call a layer.

    Parameters
    ----------
    balance
        S of the layer.
    nulls
        S of each kind of copies.
    corrected
        Worst p-value of these kinds, corrected for the number of layers.
    layers
        Number of layers that it was corrected for.
    rule
        Thresholds of the verdict.

    Examples
    --------
    >>> null = Null("shuffled", np.linspace(-0.2, 0.2, 99))
    >>> leaning(0.6, [null], 0.02, 1), leaning(0.1, [null], 0.5, 1)
    ('distances', 'neither')
    """
    if np.isnan(balance) or any(len(null.known) < rule.copies for null in nulls):
        return "undecided"
    if corrected <= rule.alpha:
        sides = {float(np.sign(balance - np.median(null.known))) for null in nulls}
        if sides == {1.0} and balance >= rule.least:
            return "distances"
        if sides == {-1.0} and balance <= -rule.least:
            return "intensities"
        return "neither"
    return "neither" if has_power(nulls, layers, rule) else "undecided"


def has_power(nulls: Sequence[Null], layers: int, rule: Rule = Rule()) -> bool:
    """Tell whether a balance of the size `Rule.power` would have been called on either side."""
    return all(worst_p_value(side * rule.power, nulls) * layers <= rule.alpha for side in (-1, 1))

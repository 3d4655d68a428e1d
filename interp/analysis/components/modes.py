"""Components between which the data have no valley, taken together: a cluster is a mode, not a term of a sum.

A skewed, flat or heavy-tailed cluster needs the more Gaussians the more rows there are, and BIC gives them. Two
neighbouring components count as two clusters only where the rows themselves are thinner between their means than at
either (in the spirit of Hennig 2010, "Methods for merging Gaussian mixture components"), clearly so and by a margin
that no number of rows takes away. Two Gaussians of one width and weight are told apart from about 2.6 sigma on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp.analysis.distributions import Distribution
from interp.types import Array

CLEAR = 2.0
"""Standard errors by which the valley must be thinner than the lower of the two peaks."""
DEPTH = 0.9
"""Most rows in the valley, as a share of those at the lower peak."""


@dataclass(frozen=True)
class Components:
    """Mixtures of N nodes, up to K components each in ascending order of their means.

    Attributes
    ----------
    weight, mean, var
        Weights, means and variances (N, K): weight 0 and NaN beyond a node's own number.
    """

    weight: Array
    mean: Array
    var: Array

    @property
    def number(self) -> Array:
        """Number of components of each node (N,)."""
        return np.asarray((self.weight > 0).sum(axis=1))

    def among(self, nodes: Array, number: int) -> Components:
        """Give these components to some of `number` nodes, and to the others one of weight 1, mean 0 and variance 1."""
        shape = (number, self.weight.shape[1])
        parts = [np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)]
        for part, own, other in zip(parts, (self.weight, self.mean, self.var), (1.0, 0.0, 1.0), strict=True):
            part[:, 0] = other
            part[nodes] = own
        return Components(*parts)


def merge_without_valley(found: Components, rows: Distribution, clear: float = CLEAR) -> Components:
    """Merge neighbouring components, the least separated first, until a valley lies between all that are left.

    A merged component has the weight, mean and variance of its parts together, and the higher of their peaks.

    Parameters
    ----------
    found
        Mixtures of N nodes.
    rows
        Number of rows of these nodes by value.
    clear
        Standard errors by which a valley must be thinner than the lower of the two peaks.

    Examples
    --------
    >>> halves = Components(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]]), np.array([[0.02, 0.02]]))
    >>> flat = Distribution.of(np.zeros(1), np.ones(1), np.full((1, 60), 100))
    >>> merge_without_valley(halves, flat).number
    array([1])
    """
    peak = np.where(found.weight > 0, found.mean, 0.0)
    for _ in range(found.weight.shape[1] - 1):
        low, valley, high = _rows_at(peak[:, :-1], peak[:, 1:], rows)
        evidence = _evidence(np.minimum(low, high), valley)
        joined = np.where((found.weight[:, 1:] > 0) & (evidence < clear), evidence, np.inf)
        nodes = np.flatnonzero(np.isfinite(joined).any(axis=1))
        if not len(nodes):
            break
        first = joined[nodes].argmin(axis=1)
        higher = np.where(low[nodes, first] >= high[nodes, first], peak[nodes, first], peak[nodes, first + 1])
        found = _merged(found, nodes, first)
        peak[nodes] = _closed_up(peak[nodes], first, higher, 0.0)
    return found


def _rows_at(low: Array, high: Array, rows: Distribution) -> tuple[Array, Array, Array]:
    """Count the rows about two means and half way between them, in windows of a third of the gap."""
    half = (high - low) / 6
    middle = (low + high) / 2
    first, between, second = (rows.within(place - half, place + half) for place in (low, middle, high))
    return first, between, second


def _evidence(peak: Array, valley: Array) -> Array:
    """Give the standard errors by which a valley is thinner than a peak; below 0 where it is not deep enough."""
    errors = (peak - valley) / np.sqrt(np.maximum(peak + valley, 1))
    return np.asarray(np.where(valley <= DEPTH * peak, errors, np.minimum(errors, 0) - 1))


def _merged(found: Components, nodes: Array, first: Array) -> Components:
    """Join the components `first` and the one after it of some nodes, keeping the moments of their sum."""
    pair = np.stack([first, first + 1], axis=1)
    weight, mean, var = (
        np.take_along_axis(part[nodes], pair, axis=1) for part in (found.weight, found.mean, found.var)
    )
    total = weight.sum(axis=1)
    share = weight / total[:, None]
    centre = (share * mean).sum(axis=1)
    spread = (share * (var + (mean - centre[:, None]) ** 2)).sum(axis=1)
    parts = []
    for array, value, empty in ((found.weight, total, 0.0), (found.mean, centre, np.nan), (found.var, spread, np.nan)):
        changed = array.copy()
        changed[nodes] = _closed_up(array[nodes], first, value, empty)
        parts.append(changed)
    return Components(*parts)


def _closed_up(array: Array, first: Array, value: Array, empty: float) -> Array:
    """Put `value` in place of entry `first` and the one after it, (M, K) -> (M, K)."""
    columns = np.arange(array.shape[1])
    source = np.minimum(columns + (columns > first[:, None]), array.shape[1] - 1)
    changed = np.take_along_axis(array, source, axis=1)
    changed[:, -1] = empty
    changed[np.arange(len(array)), first] = value
    return changed

"""Mixtures found on one half of the samples and measured on the other: what a split of the data changes."""

from __future__ import annotations

import numpy as np

from interp.analysis.components.modes import Components, merge_without_valley
from interp.analysis.distributions import Distribution
from interp.analysis.mixtures import Binned, best_mixtures, responsibilities
from interp.types import Array

STRICT = 3.0
"""Standard errors by which a valley must be thinner than a peak here: labels need clusters that are there."""

COARSER = 4
"""Bins of the whole fit that are one for a half: a quarter of the work, and a bin still is far below a deviation."""


def halves(samples: int, row_sample: Array | None, rows: int, seed: int = 0) -> Array:
    """Put every sample, with all its rows, into one of two halves at random.

    Parameters
    ----------
    samples
        Number of samples.
    row_sample
        Index of the sample of each row (S,); None: every row is a sample of its own.
    rows
        Number of rows, S.
    seed
        Seed of the random number generator.

    Returns
    -------
    Array
        True for each row of the second half (S,).

    Examples
    --------
    >>> second = halves(4, np.repeat(np.arange(4), 3), 12)
    >>> int(second.sum()), bool((second.reshape(4, 3).all(axis=1) == second.reshape(4, 3).any(axis=1)).all())
    (6, True)
    """
    second = sample_halves(samples, seed)
    return second[:rows] if row_sample is None else second[row_sample]


def sample_halves(samples: int, seed: int = 0) -> Array:
    """Put samples into two halves of the same size at random, of which the first has the odd one.

    Parameters
    ----------
    samples
        Number of samples, S.
    seed
        Seed of the random number generator.

    Returns
    -------
    Array
        True for each sample of the second half (S,).

    Examples
    --------
    >>> int(sample_halves(9).sum())
    4
    """
    indices: Array = np.arange(samples, dtype=np.int32 if samples < 2**31 else np.int64)  # many take memory
    np.random.default_rng(seed).shuffle(indices)  # as `permutation` does
    return np.asarray(indices < samples // 2)


def crossed(found_on: Binned, measured_on: Binned, most: int, low: Array, high: Array) -> Components:
    """Find the components of one half of the samples, and take their weights, means and variances from the other.

    Parameters
    ----------
    found_on, measured_on
        Histograms of the two halves, with the same edges.
    most
        Largest number of components.
    low, high
        First and last edge of the bins in standard units (N,).

    Returns
    -------
    Components
        Components (N, K) in standard units.
    """
    mixture, _, _ = best_mixtures(found_on.coarser(COARSER), most)
    rows = Distribution.of(low, high, found_on.count)
    parts = merge_without_valley(Components(mixture.weight, mixture.mean, mixture.var), rows, STRICT)
    return _measured(parts, measured_on)


def _measured(parts: Components, data: Binned) -> Components:
    """Take the moments of the rows that belong to each component, by their probabilities."""
    known = parts.weight > 0
    weight, mean, var = responsibilities(
        data, parts.weight, np.where(known, parts.mean, 0.0), np.where(known, parts.var, 1.0)
    )
    return Components(np.where(known, weight, 0.0), np.where(known, mean, np.nan), np.where(known, var, np.nan))

"""Candidates against each other: which of two has the slopes that noise leaves, and which has others besides.

Where the first of two activations was trained, its slopes g are noise; those of the second are g + d, with d what the
other activation adds. Noise has nothing to do with d, so the place ½ (1 + (|a|² - |b|²) / |a - b|²) of a is 0 where it
is noise and b is not, and 1 in the other case, give or take the noise over |d|: that tells two activations apart
however large the noise is. Noise is not alike in all weights (training leaves little of it where the loss curves), so
places are taken in cells of weights and each is believed as far as the noise of its cell allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from interp.checkpoints.inference.weighing.slopes import Slopes
from interp.types import Array

REFERENCE = 3
"""Number of candidates, the best, whose slopes' spread between blocks puts weights into cells."""

CELLS = 12
"""Largest number of cells of one tensor, each larger than the one before by the same factor."""

LOOSE = 0.2
"""Standard deviation of a place where there is no noise: slopes of two candidates are not wholly independent."""

INFLATED = 2.0
"""Factor of the variance of a place, since the slopes of one cell are not independent."""

FREEDOM = 2.0
"""Degrees of freedom of Student's t distribution of a place, whose tails bound what one cell can say."""

UNIT, MOST = 10.0, 5.0
"""Natural logarithm of a likelihood ratio that counts as 1, and the largest such count."""


def contrasts(candidates: Sequence[Sequence[Slopes]]) -> Array:
    """Compare each candidate with the one that speaks most against it.

    Parameters
    ----------
    candidates
        Slopes of each of K candidates, tensor after tensor; the first `REFERENCE` are the likeliest.

    Returns
    -------
    Array
        Evidence against each candidate, (K,): the least evidence for it over another, turned round and in units
        of `UNIT`, from -`MOST` to `MOST`; 0 for a candidate beside no other.
    """
    if len(candidates) < 2:
        return np.zeros(len(candidates))
    over = evidence(candidates)
    np.fill_diagonal(over, np.inf)
    return np.asarray(np.clip(-over.min(1) / UNIT, -MOST, MOST))


def evidence(candidates: Sequence[Sequence[Slopes]]) -> Array:
    """Give the logarithm of each candidate's likelihood ratio over each other's, (K, K), from slopes in linear maps.

    Parameters
    ----------
    candidates
        Slopes of each of K candidates, tensor after tensor.
    """
    maps = [place for place, one in enumerate(candidates[0]) if one.is_map]
    found = (_in_tensor([one[place] for one in candidates]) for place in maps)
    return np.asarray(sum(found, np.zeros((len(candidates), len(candidates)))))


def _in_tensor(candidates: Sequence[Slopes]) -> Array:
    """Sum the evidence of the cells of one tensor, (K, K); of slopes in units of each candidate's own spread."""
    unit = np.mean([one.squares for one in candidates[:REFERENCE]], axis=0)
    used = np.flatnonzero(unit > 1e-12 * unit.max())
    used = used[np.argsort(-unit[used], kind="stable")]
    least = 1e-12 * unit.max()
    t = np.stack([one.total[used] / np.sqrt(np.maximum(one.squares[used], least)) for one in candidates])
    t = _without(np.clip(t, -1e5, 1e5), candidates[0].weights[used], np.sqrt(unit[used]))
    edges = np.unique(np.geomspace(1, len(used) + 1, CELLS + 1).round().astype(int)) - 1
    cells = [t[:, first:last] for first, last in pairwise(edges.tolist())]
    return np.asarray(sum((_in_cell(one) for one in cells), np.zeros((len(t), len(t)))))


def _without(t: Array, weights: Array, spread: Array) -> Array:
    """Take out of slopes what lies along the weights, as weight decay leaves it (AdamW: in units of the spread)."""
    if not weights.any():
        return t
    along = np.linalg.qr(np.stack([weights, weights / spread], axis=1))[0]
    return np.asarray(t - (t @ along) @ along.T)


def _in_cell(t: Array) -> Array:
    """Give the evidence of one cell for each candidate over each other, (K, K), from slopes (K, N)."""
    products = t @ t.T
    own = np.diag(products)
    added = np.maximum(own[:, None] + own[None] - 2 * products, 0) + 1e-12
    place = 0.5 * (1 + (own[:, None] - own[None]) / added)
    noise = np.sqrt(INFLATED * own / t.shape[1])[:, None] / np.sqrt(added)
    of_first, of_second = np.hypot(noise, LOOSE), np.hypot(noise.T, LOOSE)
    return _log_density(place, of_first) - _log_density(place - 1, of_second)


def _log_density(values: Array, scale: Array) -> Array:
    """Give the logarithm of Student's density but for a constant."""
    return np.asarray(-np.log(scale) - (FREEDOM + 1) / 2 * np.log1p((values / scale) ** 2 / FREEDOM))

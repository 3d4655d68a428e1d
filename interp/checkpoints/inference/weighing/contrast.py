"""Candidates against each other: which of two has the slopes that noise leaves, and which has others besides.

Where the first of two activations was trained, its slopes g are noise; those of the second are g + d, with d what the
other activation adds. Noise has nothing to do with d, so |g + d|² exceeds |g|² by |d|², more or less: that tells two
activations apart however large the noise is, where the ratio of |g|² and |g + d|² does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp.checkpoints.inference.weighing.slopes import Slopes
from interp.types import Array

REFERENCE = 3
"""Number of candidates, the best, whose spread between blocks is the unit of all slopes."""

FLOOR = 0.02
"""Least difference between two candidates' slopes that is counted, as a share of the smaller."""


def contrasts(candidates: Sequence[Sequence[Slopes]]) -> Array:
    """Compare each candidate with the one that speaks most against it.

    Parameters
    ----------
    candidates
        Slopes of each of K candidates, tensor after tensor; the first `REFERENCE` are the likeliest.

    Returns
    -------
    Array
        Two numbers a candidate, (K, 2), the smaller the better: the position of its slopes between noise alone (0) and
        noise with all that tells it from another (1), the largest over others; and log(1 + z) with z half the
        difference of squared slopes over the length of what is added, the largest likewise, and 0 at least.
    """
    maps = [place for place, one in enumerate(candidates[0]) if one.is_map]
    tensors = [_products([one[place] for one in candidates]) for place in maps]
    known = [_compared(found) for found in tensors if found is not None]
    if not known:
        return np.zeros((len(candidates), 2))
    place = np.mean([first for first, _ in known], axis=0)
    z = np.mean([second for _, second in known], axis=0)
    np.fill_diagonal(place, 0.0)
    return np.stack([np.clip(place, -1, 2).max(1), np.log1p(np.maximum(z, 0).max(1))], axis=1)


def _products(candidates: Sequence[Slopes]) -> Array | None:
    """Give inner products (K, K) of the candidates' slopes in one tensor, without what weight decay leaves."""
    unit = np.mean([one.squares for one in candidates[:REFERENCE]], axis=0)
    used = unit > 1e-12 * unit.max()
    if not used.any():
        return None
    spread = np.sqrt(unit[used])
    slopes = np.stack([np.clip(one.total[used] / spread, -1e6, 1e6) for one in candidates])
    weights = candidates[0].weights[used] / spread
    along = np.minimum(slopes @ weights / max(float(np.linalg.norm(weights)), 1e-30), 0.0)
    return np.asarray(slopes @ slopes.T - np.outer(along, along))


def _compared(products: Array) -> tuple[Array, Array]:
    own = np.diag(products)
    added = np.maximum(own[:, None] + own[None] - 2 * products, 0)
    more = own[:, None] - own[None]
    floor = FLOOR * np.maximum(np.minimum(own[:, None], own[None]), 0) + 1e-9
    return 0.5 * (1 + more / (added + floor)), more / (2 * np.sqrt(added + 1e-9))

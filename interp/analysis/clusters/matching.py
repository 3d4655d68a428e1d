"""Prototypes paired with centroids, beside two nulls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from interp.analysis.clusters.options import ClusterOptions
from interp.analysis.clusters.pairing import Targets
from interp.analysis.threads import in_order
from interp.types import Array

DRAWN = 32
"""Largest number of rows that are averaged for one random mean of a null."""

NULLS = ("permuted prototypes", "random data means")
"""Names of the nulls."""


def match_to_centroids(points: Array, centroids: Array) -> tuple[Array, Array]:
    """Pair points with centroids at the least total distance (Hungarian method; Kuhn 1955).

    Parameters
    ----------
    points
        Points (N, D); NaN rows are matched with nothing.
    centroids
        Centroids (k, D), each matched with one point at most.

    Returns
    -------
    match
        Index of the centroid of each point (N,); NaN where it has none (NaN point, or more points than centroids).
    distance
        Euclidean distance to that centroid (N,); NaN where there is none.

    Examples
    --------
    >>> match, distance = match_to_centroids(np.array([[0.0], [9.0]]), np.array([[10.0], [0.5]]))
    >>> match, distance
    (array([1., 0.]), array([0.5, 1. ]))
    """
    match, distance = np.full((2, len(points)), np.nan)
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    if len(known):
        cost = scipy.spatial.distance.cdist(points[known], centroids)
        row, column = scipy.optimize.linear_sum_assignment(cost)
        match[known[row]], distance[known[row]] = column, cost[row, column]
    return match, distance


def null_distances(
    points: Array, counts: Array, inputs: Array, sets: Sequence[Array], options: ClusterOptions
) -> list[dict[str, Array]]:
    """Give the mean matched distance in each repetition of each null, (R,), for each set of centroids.

    ``permuted prototypes``: each coordinate is permuted among nodes, which keeps its distribution and breaks the
    dependence between coordinates. ``random data means``: as many random rows are averaged as stand behind each
    prototype. All sets are held against the same draws.

    Parameters
    ----------
    points
        Prototypes (N, D); NaN rows are left out.
    counts
        Effective number of rows behind each prototype (N,).
    inputs
        Rows (S, D) that random means are taken of.
    sets
        Sets of centroids (k, D).
    options
        Number of repetitions, and the seed.
    """
    rng = np.random.default_rng(options.seed)
    known = np.isfinite(points).all(axis=1)
    points, counts = points[known], counts[known]
    if not len(points):
        return [{name: np.full(options.repetitions, np.nan) for name in NULLS} for _ in sets]
    repetitions, mean, targets = range(options.repetitions), inputs.mean(axis=0), Targets(sets)

    def averaged(drawn: tuple[list[Array], Array]) -> list[float]:
        return targets.mean_distances(_random_means(inputs, mean, *drawn))

    permuted = np.array(list(in_order(targets.mean_distances, (rng.permuted(points, axis=0) for _ in repetitions))))
    random = np.array(list(in_order(averaged, (_drawn_rows(len(inputs), counts, rng) for _ in repetitions))))
    return [dict(zip(NULLS, each, strict=True)) for each in zip(permuted.T, random.T, strict=True)]


def _drawn_rows(rows: int, counts: Array, rng: np.random.Generator) -> tuple[list[Array], Array]:
    """Draw `counts` rows for each node, `DRAWN` at most, with the factor that is left to the deviation of their mean.

    The deviation of a mean of n rows from the data mean is proportional to 1/sqrt(n), so that of `DRAWN` rows is scaled
    down to that of n.
    """
    sizes = np.clip(counts, 1, None)
    drawn = np.minimum(sizes, DRAWN).astype(int)
    return [rng.integers(0, rows, n) for n in drawn], np.sqrt(drawn / sizes)


def _random_means(inputs: Array, mean: Array, rows: list[Array], factor: Array) -> Array:
    """Average the drawn rows of each node, (N, D), of inputs whose mean is known."""
    counts = np.array([len(own) for own in rows])
    starts = np.concatenate([[0], np.cumsum(counts)])
    kind = np.result_type(inputs.dtype, np.float32)
    drawn = scipy.sparse.csr_matrix((np.ones(starts[-1], kind), np.concatenate(rows), starts), (len(rows), len(inputs)))
    means = drawn @ inputs / counts[:, None].astype(kind)
    return np.asarray(mean + (means - mean) * factor[:, None])

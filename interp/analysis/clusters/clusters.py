"""Prototypes beside k-means centroids: matching, agreement and classifiers, each beside a null."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import numpy as np

from interp.analysis.checks import cluster_arguments
from interp.analysis.clusters.agreement import agreement
from interp.analysis.clusters.cells import Cells
from interp.analysis.clusters.classifiers import classifiers
from interp.analysis.clusters.matching import match_to_centroids, null_distances
from interp.analysis.clusters.options import ClusterOptions
from interp.analysis.threads import in_order, unthreaded
from interp.types import Array, ClusterMatch, LabelledInputs
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Within


@checked
def match_clusters(
    train: LabelledInputs,
    test: LabelledInputs,
    prototypes: Mapping[str, Array],
    effective_count: Mapping[str, Array],
    k: Annotated[int, Within(low=1)],
    options: ClusterOptions = ClusterOptions(),
) -> ClusterMatch:
    """Fit k centroids to a layer's input and compare its nodes' prototypes with them.

    Prototypes and centroids are paired at the least total distance (Hungarian method; Kuhn 1955). Beside the distances
    stand those of two nulls; beside the agreement of partitions (adjusted Rand index, normalised mutual information)
    that with one of them permuted; and classifiers that know only distances stand beside the network.

    Parameters
    ----------
    train
        Rows that k-means and the classifiers are fitted to, with D values each.
    test
        Rows that the classifiers are measured on; `train` itself where there are no others.
    prototypes
        Sort of prototype -> mean inputs of the nodes (N, D); NaN rows are left out.
    effective_count
        Sort of prototype -> effective number of rows behind each (N,), which is how many random rows the null averages.
    k
        Number of centroids; where there are fewer rows, their number.
    options
        Numbers of rows and of repetitions, and the seed.

    Returns
    -------
    ClusterMatch
        Centroids, the prototypes matched with them, agreements and accuracies.

    Raises
    ------
    DataError
        If arrays are empty, no numbers, or do not belong together.
    UsageError
        If `k` is below 1, or an argument is of another class.

    Examples
    --------
    >>> x = np.repeat([[0.0, 0.0], [4.0, 4.0]], 20, axis=0) + np.random.default_rng(0).normal(0, 0.1, (40, 2))
    >>> rows = LabelledInputs(x, np.repeat([0, 1], 20), np.repeat([0, 1], 20))
    >>> found = match_clusters(rows, rows, {"nearest": x[[0, 20]]}, {"nearest": np.ones(2)}, k=2)
    >>> bool((found.distance["nearest"] < 0.5).all())
    True
    """
    return match_all(train, test, prototypes, effective_count, [k], options)[0]


@checked
def match_all(
    train: LabelledInputs,
    test: LabelledInputs,
    prototypes: Mapping[str, Array],
    effective_count: Mapping[str, Array],
    ks: Sequence[int],
    options: ClusterOptions = ClusterOptions(),
) -> list[ClusterMatch]:
    """Give `match_clusters` for several numbers of centroids; what does not hang on them is made once.

    Parameters
    ----------
    train, test, prototypes, effective_count, options
        Arguments of `match_clusters`.
    ks
        Numbers of centroids.

    Raises
    ------
    DataError
        If arrays are empty, no numbers, or do not belong together.
    UsageError
        If an argument is of another class.

    Examples
    --------
    >>> x = np.repeat([[0.0, 0.0], [4.0, 4.0]], 20, axis=0) + np.random.default_rng(0).normal(0, 0.1, (40, 2))
    >>> rows = LabelledInputs(x, np.repeat([0, 1], 20), np.repeat([0, 1], 20))
    >>> few = ClusterOptions(repetitions=2)
    >>> [found.k for found in match_all(rows, rows, {"nearest": x[[0, 20]]}, {"nearest": np.ones(2)}, [2, 3], few)]
    [2, 3]
    """
    train, test, prototypes, effective_count = cluster_arguments(train, test, prototypes, effective_count)
    rows = np.random.default_rng(options.seed).permutation(len(train.inputs))[: options.rows]
    fitted = LabelledInputs(
        train.inputs[rows], None if train.labels is None else train.labels[rows], train.predictions[rows]
    )
    sets = list(in_order(partial(fit_centroids, fitted.inputs, options=options), ks))
    nulls = {
        kind: null_distances(points, effective_count[kind], fitted.inputs, sets, options)
        for kind, points in prototypes.items()
    }
    known = {kind: points[np.isfinite(points).all(axis=1)] for kind, points in prototypes.items()}
    cells = {kind: Cells.of(fitted, test, points) for kind, points in known.items() if len(points)}
    found = []
    for number, centroids in enumerate(sets):
        rng = np.random.default_rng(options.seed)
        rng.permutation(len(train.inputs))  # the rows above
        matches = {kind: match_to_centroids(points, centroids) for kind, points in prototypes.items()}
        own = Cells.of(fitted, test, centroids)
        found.append(
            ClusterMatch(
                k=len(centroids),
                centroids=centroids,
                rows=len(rows),
                match={kind: match for kind, (match, _) in matches.items()},
                distance={kind: distance for kind, (_, distance) in matches.items()},
                null_distance={kind: each[number] for kind, each in nulls.items()},
                agreement=agreement(fitted, own, cells, rng),
                accuracy=classifiers(fitted, test, own, cells),
            )
        )
    return found


def fit_centroids(inputs: Array, k: int, options: ClusterOptions) -> Array:
    """Fit k-means (Lloyd 1982; scikit-learn) to rows in random order.

    k-means++ chooses its start among the first rows only: on all of them it would take longer than Lloyd.

    Parameters
    ----------
    inputs
        Rows (S, D), in random order.
    k
        Number of centroids; where there are fewer rows, their number.
    options
        Options with the seed.

    Returns
    -------
    Array
        Centroids (k, D), float64.

    Examples
    --------
    >>> np.sort(fit_centroids(np.array([[0.0], [2.0], [10.0], [12.0]]), 2, ClusterOptions()), axis=0)
    array([[ 1.],
           [11.]])
    """
    from sklearn.cluster import KMeans, kmeans_plusplus
    from sklearn.exceptions import ConvergenceWarning

    k = min(k, len(inputs))
    with unthreaded(), warnings.catch_warnings():  # parts of sums are another thread's, and so the last digits
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than k: doubled centroids
        start, _ = kmeans_plusplus(inputs[: max(3 * k, 2000)], k, random_state=options.seed)
        model = KMeans(k, init=start, n_init=1, max_iter=100).fit(inputs)
    return np.asarray(model.cluster_centers_, np.float64)

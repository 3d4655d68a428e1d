"""Prototypes beside k-means centroids: matching, agreement and classifiers, each beside a null."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from interp.analysis.checks import cluster_arguments
from interp.analysis.nulls.threads import in_order
from interp.analysis.statistics import agresti_interval
from interp.types import Array, ClusterMatch, LabelledInputs
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Seed, Within

DRAWN = 32
"""Largest number of rows that are averaged for one random mean of a null."""

NULLS = ("permuted prototypes", "random data means")


@dataclass(frozen=True)
class ClusterOptions:
    """How prototypes are compared with k-means.

    Attributes
    ----------
    rows
        Largest number of rows that k-means is fitted to, drawn at random.
    repetitions
        Number of repetitions of each null, R.
    seed
        Seed of the random number generators of k-means and of the nulls.

    Examples
    --------
    >>> ClusterOptions(repetitions=5)
    ClusterOptions(rows=10000, repetitions=5, seed=0)
    """

    rows: Annotated[int, Within(low=1)] = 10_000
    repetitions: Annotated[int, Within(low=1)] = 39
    seed: Seed = 0


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
    """
    train, test, prototypes, effective_count = cluster_arguments(train, test, prototypes, effective_count)
    rows = np.random.default_rng(options.seed).permutation(len(train.inputs))[: options.rows]
    fitted = LabelledInputs(
        train.inputs[rows], None if train.labels is None else train.labels[rows], train.predictions[rows]
    )
    sets = [fit_centroids(fitted.inputs, k, options) for k in ks]
    nulls = {
        kind: _null_distances(points, effective_count[kind], fitted.inputs, sets, options)
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
                agreement=_agreement(fitted, own, cells, rng),
                accuracy=_classifiers(fitted, test, own, cells),
            )
        )
    return found


class Cells(NamedTuple):
    """Rows that are nearest to each of some points.

    Attributes
    ----------
    points
        Points (k, D).
    fitted
        Index of the nearest point of each row that k-means was fitted to, (S,).
    test
        Index of the nearest point of each row that classifiers are measured on, (T,); empty without labels.
    """

    points: Array
    fitted: Array
    test: Array

    @staticmethod
    def of(fitted: LabelledInputs, test: LabelledInputs, points: Array) -> Cells:
        """Find the nearest point of each row; of test rows only where there is something to measure on them."""
        is_measured = fitted.labels is not None and test.labels is not None
        there = nearest(test.inputs, points) if is_measured else np.empty(0, np.int64)
        return Cells(points, nearest(fitted.inputs, points), there)


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
    from threadpoolctl import threadpool_limits

    k = min(k, len(inputs))
    with threadpool_limits(1, "blas"):  # many small products: handing them to a second thread costs more
        start, _ = kmeans_plusplus(inputs[: max(3 * k, 2000)], k, random_state=options.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than k: doubled centroids
        model = KMeans(k, init=start, n_init=1, max_iter=100).fit(inputs)
    return np.asarray(model.cluster_centers_, np.float64)


# --------------------------------------------------------------------------- matching


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
        cost = cdist(points[known], centroids)
        row, column = linear_sum_assignment(cost)
        match[known[row]], distance[known[row]] = column, cost[row, column]
    return match, distance


def _null_distances(
    points: Array, counts: Array, inputs: Array, sets: Sequence[Array], options: ClusterOptions
) -> list[dict[str, Array]]:
    """Give the mean matched distance in each repetition of each null, (R,), for each set of centroids.

    ``permuted prototypes``: each coordinate is permuted among nodes, which keeps its distribution and breaks the
    dependence between coordinates. ``random data means``: as many random rows are averaged as stand behind each
    prototype. All sets are held against the same draws.
    """
    rng = np.random.default_rng(options.seed)
    known = np.isfinite(points).all(axis=1)
    points, counts = points[known], counts[known]
    if not len(points):
        return [{name: np.full(options.repetitions, np.nan) for name in NULLS} for _ in sets]
    repetitions, mean = range(options.repetitions), inputs.mean(axis=0)

    def matched(made: Array) -> list[float]:
        return [float(np.nanmean(match_to_centroids(made, centroids)[1])) for centroids in sets]

    def averaged(drawn: tuple[list[Array], Array]) -> list[float]:
        return matched(_random_means(inputs, mean, *drawn))

    permuted = np.array(list(in_order(matched, (rng.permuted(points, axis=0) for _ in repetitions))))
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
    means = np.stack([inputs[own].mean(axis=0) for own in rows])
    return np.asarray(mean + (means - mean) * factor[:, None])


# --------------------------------------------------------------------------- agreement of partitions


def nearest(inputs: Array, points: Array) -> Array:
    """Find the nearest point of each row by Euclidean distance.

    Parameters
    ----------
    inputs
        Rows (S, D).
    points
        Points (k, D).

    Returns
    -------
    Array
        Index of the nearest point of each row (S,).

    Examples
    --------
    >>> nearest(np.array([[0.0], [3.0]]), np.array([[4.0], [1.0]]))
    array([1, 0])
    """
    points = np.asarray(points, np.float32)
    inputs = np.asarray(inputs, np.float32)
    return np.asarray(((points**2).sum(axis=1) / 2 - inputs @ points.T).argmin(axis=1))


def _agreement(
    fitted: LabelledInputs, centroids: Cells, cells: Mapping[str, Cells], rng: np.random.Generator
) -> pd.DataFrame:
    partitions = {"k-means": centroids.fitted, **{f"{kind} prototypes": own.fitted for kind, own in cells.items()}}
    rows = [
        _compare(f"{name} / k-means", part, centroids.fitted, rng)
        for name, part in partitions.items()
        if name != "k-means"
    ]
    if fitted.labels is not None:
        rows += [_compare(f"{name} / classes", part, fitted.labels, rng) for name, part in partitions.items()]
    return pd.DataFrame(rows)


def _compare(pair: str, first: Array, second: Array, rng: np.random.Generator) -> dict[str, object]:
    """Compare two partitions, and again with one of them permuted: by chance both indices are near 0."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    shuffled = rng.permutation(first)
    return {
        "pair": pair,
        "ari": adjusted_rand_score(second, first),
        "nmi": normalized_mutual_info_score(second, first),
        "null_ari": adjusted_rand_score(second, shuffled),
        "null_nmi": normalized_mutual_info_score(second, shuffled),
    }


# --------------------------------------------------------------------------- classifiers


def _classifiers(
    fitted: LabelledInputs, test: LabelledInputs, centroids: Cells, cells: Mapping[str, Cells]
) -> pd.DataFrame:
    """Measure classifiers that know only distances to a few points, beside the network itself."""
    if fitted.labels is None or test.labels is None:
        return pd.DataFrame(columns=["classifier", "accuracy", "low", "high", "agreement", "samples"])
    classes = np.unique(fitted.labels)
    means = np.stack([fitted.inputs[fitted.labels == c].mean(axis=0) for c in classes])
    guesses = {
        "the network": test.predictions,
        "nearest class mean": classes[nearest(test.inputs, means)],
        "k-means, majority label": _majority(fitted, centroids),
        "k-means, linear read-out": _read_out(fitted, test.inputs, centroids.points),
        **{f"nearest {kind} prototype": _majority(fitted, own) for kind, own in cells.items()},
    }
    return pd.DataFrame([_measure(name, guess, test) for name, guess in guesses.items()])


def _majority(fitted: LabelledInputs, cells: Cells) -> Array:
    """Give each test row the commonest label among the fitted rows nearest to the same point."""
    assert fitted.labels is not None
    votes = np.zeros((len(cells.points), int(fitted.labels.max()) + 1))
    np.add.at(votes, (cells.fitted, fitted.labels), 1)
    return np.asarray(votes.argmax(axis=1)[cells.test])


def _read_out(fitted: LabelledInputs, inputs: Array, centroids: Array) -> Array:
    """Predict by ridge regression on the distances to all centroids (scikit-learn's RidgeClassifier)."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.metrics import euclidean_distances
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    assert fitted.labels is not None
    if len(np.unique(fitted.labels)) < 2:
        return np.full(len(inputs), fitted.labels[0])
    known, new = (euclidean_distances(rows, centroids.astype(rows.dtype)) for rows in (fitted.inputs, inputs))
    model = make_pipeline(StandardScaler(), RidgeClassifier()).fit(known, fitted.labels)
    return np.asarray(model.predict(new))


def _measure(name: str, guess: Array, test: LabelledInputs) -> dict[str, object]:
    assert test.labels is not None
    right = guess == test.labels if (guess >= 0).any() else np.empty(0, bool)  # predicting nothing is not being wrong
    agrees = (guess == test.predictions)[test.predictions >= 0]
    low, high = agresti_interval(int(right.sum()), len(right)) if len(right) else (np.nan, np.nan)
    return {
        "classifier": name,
        "accuracy": float(right.mean()) if len(right) else np.nan,
        "low": float(low),
        "high": float(high),
        "agreement": float(agrees.mean()) if len(agrees) else np.nan,
        "samples": len(right),
    }

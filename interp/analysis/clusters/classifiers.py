"""Classifiers that know only distances to a few points, beside the network itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interp.analysis.clusters.cells import Cells, nearest
from interp.analysis.counts import share_interval
from interp.types import Array, LabelledInputs
from interp.types.annotations.frames import pd


def classifiers(
    fitted: LabelledInputs, test: LabelledInputs, centroids: Cells, cells: Mapping[str, Cells]
) -> pd.DataFrame:
    """Measure classifiers that know only distances to a few points, beside the network itself.

    Parameters
    ----------
    fitted
        Rows that the classifiers are fitted to.
    test
        Rows that they are measured on.
    centroids
        Rows nearest to each centroid.
    cells
        Sort of prototype -> rows nearest to each prototype.

    Returns
    -------
    DataFrame
        Accuracy of each with its interval, and its agreement with the network; no rows without labels.
    """
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
    low, high = share_interval(int(right.sum()), len(right)) if len(right) else (np.nan, np.nan)
    return {
        "classifier": name,
        "accuracy": float(right.mean()) if len(right) else np.nan,
        "low": float(low),
        "high": float(high),
        "agreement": float(agrees.mean()) if len(agrees) else np.nan,
        "samples": len(right),
    }

"""Agreement of partitions: by prototypes, k-means and classes, each beside a permuted one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from interp.analysis.clusters.cells import Cells
from interp.types import Array, LabelledInputs


def agreement(
    fitted: LabelledInputs, centroids: Cells, cells: Mapping[str, Cells], rng: np.random.Generator
) -> pd.DataFrame:
    """Compare the partitions by prototypes with those by k-means and by classes.

    Parameters
    ----------
    fitted
        Rows that k-means was fitted to.
    centroids
        Rows nearest to each centroid.
    cells
        Sort of prototype -> rows nearest to each prototype.
    rng
        Random number generator of the permutations.

    Returns
    -------
    DataFrame
        Adjusted Rand index and normalised mutual information of each pair, and those with one of the two permuted.
    """
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

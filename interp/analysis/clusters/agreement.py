"""Agreement of partitions: by prototypes, k-means and classes, each beside a permuted one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interp.analysis.clusters.cells import Cells
from interp.analysis.clusters.contingency import Partition, agreement_of
from interp.types import LabelledInputs
from interp.types.annotations.frames import pd


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
    found = {"k-means": centroids.fitted, **{f"{kind} prototypes": own.fitted for kind, own in cells.items()}}
    partitions = {name: Partition.of(each) for name, each in found.items()}
    own = partitions["k-means"]
    rows = [_compare(f"{name} / k-means", part, own, rng) for name, part in partitions.items() if name != "k-means"]
    if fitted.labels is not None:
        classes = Partition.of(fitted.labels)
        rows += [_compare(f"{name} / classes", part, classes, rng) for name, part in partitions.items()]
    return pd.DataFrame(rows)


def _compare(pair: str, first: Partition, second: Partition, rng: np.random.Generator) -> dict[str, object]:
    """Compare two partitions, and again with one of them permuted: by chance both indices are near 0."""
    found, by_chance = agreement_of(second, first), agreement_of(second, first.permuted(rng))
    return {
        "pair": pair,
        "ari": found.rand,
        "nmi": found.information,
        "null_ari": by_chance.rand,
        "null_nmi": by_chance.information,
    }

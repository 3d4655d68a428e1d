"""Two indices of agreement from one table of counts: scikit-learn counts, and checks its arguments, for each anew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from interp.types import Array


class Partition(NamedTuple):
    """Rows in parts that are numbered from 0, none of them empty.

    Attributes
    ----------
    part
        Number of the part of each row (S,).
    sizes
        Number of rows of each part (K,).
    """

    part: Array
    sizes: Array

    @staticmethod
    def of(labels: Array) -> Partition:
        """Give the parts of rows by their labels, in ascending order of these."""
        _, part, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return Partition(part, sizes)

    def permuted(self, rng: np.random.Generator) -> Partition:
        """Put the rows into parts of the same sizes at random."""
        return Partition(rng.permutation(self.part), self.sizes)

    def entropy(self) -> float:
        """Give the entropy of a row's part, in nats."""
        counts = self.sizes.astype(float)
        rows = counts.sum()
        return float(-np.sum((counts / rows) * (np.log(counts) - np.log(rows))))


class Agreement(NamedTuple):
    """Agreement of two partitions.

    Attributes
    ----------
    rand
        Adjusted Rand index (Hubert and Arabie 1985).
    information
        Mutual information over the mean of the two entropies.
    """

    rand: float
    information: float


def agreement_of(first: Partition, second: Partition) -> Agreement:
    """Compare two partitions of the same rows, as scikit-learn's two functions do.

    Parameters
    ----------
    first, second
        Partitions of the same rows, at least one.

    Examples
    --------
    >>> agreement_of(Partition.of(np.array([0, 0, 5, 5])), Partition.of(np.array([1, 1, 0, 0])))
    Agreement(rand=1.0, information=1.0)
    """
    shape = len(first.sizes), len(second.sizes)
    table = np.bincount(first.part * shape[1] + second.part, minlength=shape[0] * shape[1]).reshape(shape)
    return Agreement(_adjusted_rand(table), _normalised_information(table, first, second))


def _adjusted_rand(table: Array) -> float:
    """Give the adjusted Rand index from the numbers of pairs of rows (Steinley 2004, equation 9)."""
    rows = int(table.sum())
    squares, by_row, by_column = (int((sums.astype(np.int64) ** 2).sum()) for sums in _sums(table))
    both, second_only, first_only = squares - rows, by_column - squares, by_row - squares
    neither = rows**2 - second_only - first_only - squares
    if not first_only and not second_only:
        return 1.0
    pairs = (both + first_only) * (first_only + neither) + (both + second_only) * (second_only + neither)
    return 2.0 * (both * neither - first_only * second_only) / pairs


def _sums(table: Array) -> tuple[Array, Array, Array]:
    return table, table.sum(axis=1), table.sum(axis=0)


def _normalised_information(table: Array, first: Partition, second: Partition) -> float:
    """Give the mutual information over the mean of the two entropies; 1 where neither partition cuts."""
    from sklearn.metrics import mutual_info_score

    if table.shape == (1, 1):
        return 1.0
    shared = mutual_info_score(None, None, contingency=scipy.sparse.csr_matrix(table))
    return float(shared / np.mean([first.entropy(), second.entropy()])) if shared else 0.0

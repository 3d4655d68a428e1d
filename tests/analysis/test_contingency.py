"""Both indices of agreement are scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from interp.analysis.clusters.contingency import Partition, agreement_of


@pytest.mark.parametrize("rows", [1, 2, 50, 3000])
@pytest.mark.parametrize("same", [0.0, 0.6, 1.0])
def test_indices_are_scikit_learns_for_any_labels(rows, same):
    rng = np.random.default_rng(rows)
    first = rng.integers(0, 7, rows) * 3 - 5
    second = np.where(rng.random(rows) < same, first, rng.integers(0, 20, rows))
    found = agreement_of(Partition.of(first), Partition.of(second))
    assert found.rand == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)
    assert found.information == pytest.approx(normalized_mutual_info_score(first, second), abs=1e-12)


def test_many_rows_overflow_nothing():
    part = np.repeat([0, 1], 200_000)
    other = np.roll(part, 1)
    found = agreement_of(Partition.of(part), Partition.of(other))
    assert found.rand == pytest.approx(adjusted_rand_score(part, other))


def test_permuting_keeps_sizes_and_one_part_agrees_with_itself():
    part = Partition.of(np.array([4, 4, 9, 4]))
    moved = part.permuted(np.random.default_rng(0))
    assert sorted(moved.part) == sorted(part.part)
    assert agreement_of(Partition.of(np.zeros(5)), Partition.of(np.ones(5))) == (1.0, 1.0)

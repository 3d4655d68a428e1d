"""Alignment against the published formula in kernels, and matchings against brute force."""

from itertools import permutations

import numpy as np
import pytest

from interp.analysis.ensembles import ensemble_errors
from interp.analysis.similarity import debiased_cka, match_nodes


def unbiased_hsic(k, m):
    """Song et al. 2012, equation 5, as it is printed: kernels without their diagonals, sums written out."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    trace = np.trace(k @ m)
    means = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
    cross = 2 / (n - 2) * (one @ k @ m @ one)
    return (trace + means - cross) / (n * (n - 3))


@pytest.mark.parametrize(("samples", "nodes", "others"), [(12, 3, 5), (60, 40, 7), (25, 80, 90)])
def test_alignment_is_that_of_the_published_formula(samples, nodes, others):
    rng = np.random.default_rng(nodes)
    x = rng.normal(size=(samples, nodes)) @ rng.normal(size=(nodes, nodes)) + 3
    y = rng.normal(size=(samples, others)) + x[:, :1]
    k, m = x @ x.T, y @ y.T
    wanted = unbiased_hsic(k, m) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(m, m))
    assert debiased_cka(x, y) == pytest.approx(wanted, abs=1e-6)


def test_alignment_knows_no_rotation_factor_or_shift_and_has_no_bias():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 6))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert debiased_cka(x, 5 * x @ rotation + 2) == pytest.approx(1, abs=1e-9)
    unrelated = [debiased_cka(rng.normal(size=(30, 50)), rng.normal(size=(30, 50))) for _ in range(200)]
    assert abs(np.mean(unrelated)) < 4 * np.std(unrelated) / 200**0.5
    assert np.isnan(debiased_cka(np.ones((9, 2)), x[:9]))
    assert np.isnan(debiased_cka(x[:3], x[:3]))


def test_the_matching_is_the_best_of_all():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 5)), rng.normal(size=(50, 5)) + 0
    correlation = np.corrcoef(x.T, y.T)[:5, 5:]
    best = max(permutations(range(5)), key=lambda order: correlation[range(5), order].sum())
    found = match_nodes(x, y)
    assert found.second[np.argsort(found.first)].tolist() == list(best)
    np.testing.assert_allclose(found.correlation, correlation[found.first, found.second], atol=1e-12)


def test_permuted_nodes_are_found_again_and_the_null_is_lower():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 20))
    order = rng.permutation(20)
    found = match_nodes(x, 2 * x[:, order] + 1, repetitions=10)
    assert (order[found.second] == found.first).all()
    assert found.null.max() < 0.5 < found.correlation.min()


def test_nodes_that_never_vary_are_left_out():
    x = np.random.default_rng(3).normal(size=(30, 4))
    x[:, 1] = 7
    found = match_nodes(x, x)
    assert found.first.tolist() == found.second.tolist() == [0, 2, 3]
    assert len(match_nodes(np.ones((30, 2)), x).first) == 0


def test_errors_of_ensembles_by_hand():
    predictions = np.array([[0, 1, 2, 2], [0, 0, 2, 1], [1, 0, 0, 1], [0, 1, 0, 1]])
    labels = np.array([0, 1, 1, 1])
    assert ensemble_errors(predictions, labels) == {"unique": 4, "consistent": 1, "voting": 2}
    squares = np.array([[1.0, 2, 3], [3, 2, 1], [2, 1, 3], [1, 1.5, 3]])
    assert ensemble_errors(predictions, labels, squares)["l2"] == 2

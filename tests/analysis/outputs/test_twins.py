"""Nodes that are alike against numpy's own correlation matrix, and saturation by counting."""

import numpy as np
import pytest

from interp.analysis.outputs import twins
from interp.analysis.outputs.twins import find_alike, largest_of, saturated_share


@pytest.mark.parametrize("block", [3, 1024])
def test_those_alike_are_those_of_the_correlation_matrix(block, monkeypatch):
    monkeypatch.setattr(twins, "BLOCK", block)
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(400, 8)) @ rng.normal(size=(8, 10)) + 5
    wanted = np.corrcoef(outputs.T)
    np.fill_diagonal(wanted, 0)
    alike, correlation = find_alike(outputs, 4)
    assert alike.tolist() == np.argsort(-np.abs(wanted), axis=1)[:, :4].tolist()
    np.testing.assert_allclose(correlation, np.take_along_axis(wanted, alike.astype(int), axis=1), atol=1e-12)


def test_copies_are_found_whatever_their_scale_sign_and_shift():
    z = np.random.default_rng(1).normal(size=(300, 3))
    outputs = np.column_stack([z, -1e-6 * z[:, 0] + 1, np.zeros(300)])
    alike, correlation = find_alike(outputs)
    np.testing.assert_array_equal(alike[[0, 3, 4], 0], [3, 0, np.nan])
    assert correlation[[0, 3], 0] == pytest.approx(-1, abs=1e-6)
    assert np.isnan(correlation[4]).all()
    assert np.isfinite(alike[:4, :3]).all(), "three others vary"
    assert np.isnan(alike[:, 3:]).all(), "and no more than that"


def test_a_node_that_varies_alone_is_like_no_other():
    outputs = np.column_stack([np.random.default_rng(3).normal(size=100), np.full(100, 2.0)])
    np.testing.assert_array_equal(find_alike(outputs, 2), np.full((2, 2, 2), np.nan))


def test_nodes_that_hardly_ever_fire_are_not_alike():
    z = np.random.default_rng(2).normal(size=(1000, 4))
    z[:, 2:] = 0
    z[:9, 2:] = 3
    assert np.isnan(find_alike(z)[0][2:]).all()
    z[:10, 2:] = 3
    assert find_alike(z)[0][2:, 0].tolist() == [3, 2]


def test_rows_near_either_end_are_saturated():
    outputs = np.array([[-1, 0.0], [0.99, 0.5], [0.97, 0.9], [0.1, -0.999]])
    assert saturated_share(outputs, (-1, 1)).tolist() == [0.5, 0.25]
    assert np.isnan(saturated_share(outputs, None)).all()


@pytest.mark.parametrize("distinct", [3, 10**6])
def test_the_largest_are_those_of_a_whole_sort(distinct):
    """Of equal values the first are taken, also where more are equal than are wanted."""
    values = np.random.default_rng(distinct).integers(0, distinct, (40, 30)).astype(float)
    for count in (1, 5, 30):
        whole = np.argsort(-values, axis=1, kind="stable")[:, :count]
        np.testing.assert_array_equal(largest_of(values, count), whole)


def test_a_wide_layer_is_compared_in_smaller_blocks(monkeypatch):
    outputs = np.random.default_rng(0).normal(size=(20, 70))
    whole = find_alike(outputs)
    monkeypatch.setattr(twins, "MOST_VALUES", 700)
    part = find_alike(outputs)
    np.testing.assert_array_equal(part[0], whole[0])
    np.testing.assert_allclose(part[1], whole[1], rtol=1e-12)

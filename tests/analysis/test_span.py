"""Coordinates of a span keep distances; sums of few rows are those of all of them."""

import numpy as np
import pytest

from interp.analysis.clusters.span import in_span, is_thin
from interp.analysis.clusters.untrained import Averaged


def distances(rows, points):
    return np.linalg.norm(rows[:, None].astype(float) - points[None], axis=2)


@pytest.mark.parametrize("rank", [1, 7, 12])
def test_distances_are_kept_to_points_in_the_span_and_beside_it(rank):
    rng = np.random.default_rng(rank)
    rows = (rng.normal(size=(12, rank)) @ rng.normal(size=(rank, 40))).astype(np.float32)
    points = [rows[:3].astype(float), rng.normal(size=(5, 40))]
    assert is_thin(rows)
    placed, sets = in_span(rows, points)
    assert placed.shape == (12, 13)
    assert placed.dtype == np.float32
    for before, after in zip(points, sets, strict=True):
        np.testing.assert_allclose(distances(placed, after), distances(rows, before), atol=2e-5)


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_means_are_those_of_the_chosen_rows_however_many(share):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 9)).astype(np.float32)
    within = rng.random((6, 300)) < share
    within[:, 0] = True
    found = Averaged(rows, "relu", None).mean_of(within)
    np.testing.assert_allclose(found, np.stack([rows[own].mean(axis=0) for own in within]), atol=1e-6)

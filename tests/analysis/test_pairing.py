"""Points and centroids paired by products of matrices are those paired by differences."""

import numpy as np
import pytest

from interp.analysis.clusters import match_to_centroids
from interp.analysis.clusters.pairing import Targets


@pytest.mark.parametrize("offset", [0, 1e4])
def test_mean_distances_are_those_of_the_matching_for_each_set(offset):
    rng = np.random.default_rng(1)
    points, sets = rng.normal(size=(9, 30)) + offset, [rng.normal(size=(k, 30)) + offset for k in (12, 4)]
    points[3] = np.nan
    wanted = [np.nanmean(match_to_centroids(points, centroids)[1]) for centroids in sets]
    np.testing.assert_allclose(Targets(sets).mean_distances(points), wanted, rtol=1e-9)


def test_a_point_on_its_centroid_is_at_distance_zero_and_no_point_gives_no_number():
    targets = Targets([np.array([[3.0, 4.0], [1e3, 0.0]])])
    assert targets.mean_distances(np.array([[3.0, 4.0]])) == [0.0]
    assert np.isnan(targets.mean_distances(np.full((2, 2), np.nan))).all()

"""Coverage that is computed is what drawing gives."""

import numpy as np
import pytest
from covering.exact import coverage
from covering.nodes import share

from interp.analysis import share_interval


@pytest.mark.parametrize(("nodes", "truth"), [(10, 0.1), (20, 0.4), (64, 0.0473)])
def test_coverage_of_a_share_is_what_drawing_gives(nodes, truth):
    drawn = share(np.random.default_rng(0), 20_000, nodes, truth).mean()
    assert coverage(share_interval, nodes, np.array([truth]))[0] == pytest.approx(drawn, abs=0.006)


def test_no_interval_of_a_share_stays_within_93_to_97_percent():
    """Where the interval of no hit at all ends, coverage falls by the chance of no hit: by more than the 4 % wanted."""
    end = share_interval(np.array([0]), 20)[1]
    inside, outside = coverage(share_interval, 20, end + np.array([-1e-6, 1e-6]))
    assert inside - outside == pytest.approx((1 - end[0]) ** 20, abs=1e-4)
    assert inside - outside > 0.04

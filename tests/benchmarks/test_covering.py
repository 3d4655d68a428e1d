"""Coverage that is computed is what drawing gives."""

import numpy as np
import pytest
from covering.exact import coverage
from covering.nodes import share, share_seen
from covering.samples import accuracy_seen, change_seen
from scipy import stats

from interp.analysis import paired_difference, share_interval


@pytest.mark.parametrize("nodes", [26, 64])
def test_coverage_of_even_shares_is_the_mean_of_what_is_computed_for_each(nodes):
    drawn = share(np.random.default_rng(0), 40_000, nodes, 0.4).mean()
    even = (np.arange(2000) + 0.5) / 2000 * 0.4
    assert coverage(share_interval, nodes, even).mean() == pytest.approx(drawn, abs=0.004)


@pytest.mark.parametrize("hits", [0, 3])
def test_even_shares_behind_a_count_have_a_beta_law(hits):
    behind = stats.beta(hits + 1, 64 - hits + 1)
    low, high = share_interval(hits, 64)
    drawn = share_seen(np.random.default_rng(0), 40_000, 64, hits).mean()
    assert behind.cdf(high) - behind.cdf(low) == pytest.approx(drawn, abs=0.004)
    mirrored = accuracy_seen(np.random.default_rng(1), 40_000, 64, hits).mean()
    assert mirrored == pytest.approx(drawn, abs=0.005), "wrong samples are what hits are"


def test_even_changes_behind_counts_have_a_dirichlet_law():
    _, low, high = paired_difference(np.array(1), np.array(4), 100)
    behind = np.random.default_rng(0).dirichlet([2, 5, 96], 100_000)
    change = behind[:, 0] - behind[:, 1]
    drawn = change_seen(np.random.default_rng(1), 20_000, 100, 1, 4).mean()
    assert np.mean((low <= change) & (change <= high)) == pytest.approx(drawn, abs=0.006)


def test_no_interval_of_a_share_stays_within_93_to_97_percent():
    """Where the interval of no hit at all ends, coverage falls by the chance of no hit, and is above 97 % before."""
    end = share_interval(np.array([0]), 26)[1]
    inside, outside = coverage(share_interval, 26, end + np.array([-1e-6, 1e-6]))
    assert inside - outside == pytest.approx((1 - end[0]) ** 26, abs=1e-4)
    assert inside > 0.97
    assert coverage(share_interval, 26, np.array([0.001]))[0] > 0.97

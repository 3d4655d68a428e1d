"""Intervals of counts: what they are by definition, and what they hold, counted over all that can be drawn."""

import numpy as np
import pytest
from scipy import optimize, stats

from interp.analysis.counts import LEAST_COUNTED, ONE, paired_difference, share_interval


@pytest.mark.parametrize("count", [26, 60, 300, 60_000])
def test_an_interval_ends_where_its_tails_have_their_chance(count):
    hits = np.unique(np.linspace(0, count, 61).astype(int))
    low, high = share_interval(hits, count)
    inner = hits[:-1]
    here = stats.binom.pmf(inner, count, high[:-1])
    np.testing.assert_allclose(stats.binom.cdf(inner, count, high[:-1]) - (1 - ONE) * here, 0.025, rtol=1e-9)
    np.testing.assert_allclose(low, 1 - high[::-1], rtol=1e-12, atol=1e-15)
    assert (low[0], high[-1]) == (0, 1)
    assert ((low <= hits / count) & (hits / count <= high)).all()


def test_no_hits_exclude_what_would_give_one_in_98_of_100_data_sets():
    """Of no hit the upper tail is two thirds of (1 - p)^n."""
    assert share_interval(0, 100)[1] == pytest.approx(1 - (0.025 * 1.5) ** 0.01, rel=1e-12)


def test_each_count_has_its_own_number_of_trials():
    hits, counts = np.array([[3, 40], [0, 30]]), np.array([[50, 1000], [30, 30]])
    together = np.stack(share_interval(hits, counts))
    for place in np.ndindex(hits.shape):
        alone = share_interval(int(hits[place]), int(counts[place]))
        np.testing.assert_array_equal(together[(slice(None), *place)], alone)


@pytest.mark.parametrize("count", [26, 33, 64, 512, 3000])
def test_every_share_is_held_in_93_percent_of_data_sets(count):
    """Coverage falls where intervals end: both sides of each end are looked at. Half in place of two thirds: 91.7 %."""
    hits = np.arange(count + 1)
    low, high = share_interval(hits, count)
    ends = np.concatenate([low, high])[:, None] + [-1e-9, 1e-9]
    shares = np.unique(ends[(ends > 0.001 / count) & (ends < 0.5)])
    first, last = np.searchsorted(high, shares), np.searchsorted(low, shares, side="right") - 1
    held = stats.binom.cdf(last, count, shares) - stats.binom.cdf(first - 1, count, shares)
    assert held.min() >= 0.93


@pytest.mark.parametrize("count", [26, 64, 512, 10_000])
def test_95_to_97_percent_of_even_shares_behind_any_count_are_held(count):
    """Of shares drawn evenly, those behind a count have a beta law (Bayes 1763)."""
    hits = np.arange(min(count, 500) + 1)
    low, high = share_interval(hits, count)
    behind = stats.beta(hits + 1, count - hits + 1)
    held = behind.cdf(high) - behind.cdf(low)
    assert held.min() >= 0.95
    assert held.max() <= 0.97


def test_few_have_no_interval():
    assert np.isnan(share_interval(np.arange(LEAST_COUNTED), LEAST_COUNTED - 1)).all()
    assert np.isfinite(share_interval(0, LEAST_COUNTED)).all()
    found = paired_difference(np.array([1]), np.array([2]), LEAST_COUNTED - 1)
    assert found[0] == pytest.approx(-1 / 25)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(("gain", "loss", "count"), [(0.05, 0.05, 500), (0.02, 0.1, 200), (0.3, 0.1, 100)])
def test_paired_difference_covers_the_truth(gain, loss, count):
    drawn = np.random.default_rng(1).multinomial(count, [gain, loss, 1 - gain - loss], 8000)
    difference, low, high = paired_difference(drawn[:, 0], drawn[:, 1], count)
    np.testing.assert_array_equal(difference, (drawn[:, 0] - drawn[:, 1]) / count)
    covered = ((low <= gain - loss) & (gain - loss <= high)).mean()
    assert abs(covered - 0.95) < 3 * np.sqrt(0.05 * 0.95 / 8000) + 0.005


def test_paired_difference_mirrors_and_stays_in_range():
    gained, lost = np.meshgrid(np.arange(31), np.arange(31))
    keep = gained + lost <= 30
    difference, low, high = paired_difference(gained[keep], lost[keep], 30)
    back = paired_difference(lost[keep], gained[keep], 30)
    np.testing.assert_allclose([-back[0], -back[2], -back[1]], [difference, low, high], atol=1e-12)
    assert (low >= -1).all()
    assert (high <= 1).all()
    assert ((low <= difference + 1e-12) & (difference <= high + 1e-12)).all()


def test_paired_difference_by_hand():
    """Ten of a hundred lost, none gained: what mid-p leaves open of both, added as squares."""
    _, low, high = paired_difference(np.array(0), np.array(10), 100)

    def mid_p(share, chance):
        return stats.binom.sf(10, 100, share) + stats.binom.pmf(10, 100, share) / 2 - chance

    lower, upper = (optimize.brentq(mid_p, 1e-3, 0.5, (chance,), xtol=1e-15) for chance in (0.025, 0.975))
    none = 1 - 0.05**0.01
    assert high == pytest.approx(-0.1 + np.hypot(0.1 - lower, none), abs=1e-10)
    assert low == pytest.approx(-upper, abs=1e-10)


COUNTS = [(0, 0), (1, 0), (0, 2), (3, 0), (0, 5), (10, 0), (1, 1), (3, 1), (2, 6), (5, 5), (10, 20), (30, 30)]


@pytest.mark.parametrize("count", [100, 1000])
def test_94_to_97_percent_of_even_changes_behind_any_counts_are_held(count):
    """Of shares of gains and losses drawn evenly, those behind counts have a Dirichlet law. Tango's: 90 to 98 %."""
    rng = np.random.default_rng(0)
    gained, lost = np.array(COUNTS).T
    _, low, high = paired_difference(gained, lost, count)
    for each, (gain, loss) in enumerate(COUNTS):
        shares = rng.dirichlet([gain + 1, loss + 1, count - gain - loss + 1], 20_000)
        change = shares[:, 0] - shares[:, 1]
        assert 0.94 <= np.mean((low[each] <= change) & (change <= high[each])) <= 0.97


@pytest.mark.parametrize(("gain", "loss"), [(0, 0.02), (0.02, 0.05), (0, 0.1), (0.05, 0.2), (0.3, 0.3), (0.01, 0.01)])
def test_changes_over_a_hundred_samples_are_covered_exactly_counted(gain, loss):
    """All outcomes of 100 pairs with their chances: no simulation. Wald's interval with half a pair covers 86.6 %."""
    gained, lost = (each.ravel() for each in np.meshgrid(np.arange(101), np.arange(101)))
    kept = gained + lost <= 100
    outcomes = np.stack([gained, lost, 100 - gained - lost], 1)[kept]
    chance = stats.multinomial.pmf(outcomes, 100, [gain, loss, 1 - gain - loss])
    likely = chance > 1e-12
    _, low, high = paired_difference(outcomes[likely, 0], outcomes[likely, 1], 100)
    covered = chance[likely] @ ((low <= gain - loss) & (gain - loss <= high))
    assert 0.94 < covered < 0.998

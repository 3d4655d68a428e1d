"""Intervals cover and tests err as often as they say, on simulated pairs and runs."""

import numpy as np
import pytest
from scipy import stats

from interp.analysis import (
    benjamini_hochberg,
    detectable_difference,
    mcnemar,
    paired_bootstrap,
    paired_difference,
    paired_runs,
    percentile_interval,
    share_interval,
)

TRIALS = 4000
ERROR = 3 * np.sqrt(0.05 * 0.95 / TRIALS)  # three Monte-Carlo standard errors


def pairs(count, gain, loss, trials=TRIALS, seed=0):
    """Simulate networks: samples that an edit gains and loses, (trials,) each."""
    drawn = np.random.default_rng(seed).multinomial(count, [gain, loss, 1 - gain - loss], trials)
    return drawn[:, 0], drawn[:, 1]


@pytest.mark.parametrize(("count", "gain", "loss"), [(500, 0.03, 0.08), (2000, 0.01, 0.01), (200, 0.2, 0.3)])
def test_paired_intervals_cover(count, gain, loss):
    gained, lost = pairs(count, gain, loss)
    _, low, high = paired_difference(gained, lost, count)
    covered = np.mean((low <= gain - loss) & (gain - loss <= high))
    assert 0.95 - ERROR - 0.005 <= covered <= 0.975


@pytest.mark.parametrize(("count", "gain", "loss"), [(500, 0.03, 0.08), (200, 0.2, 0.3)])
def test_paired_bootstrap_covers(count, gain, loss):
    rng, trials, covered = np.random.default_rng(0), 200, 0
    for block in range(4):  # networks of one block are drawn together, as the levels of a sweep are
        kind = rng.choice(3, (trials // 4, count), p=[gain, loss, 1 - gain - loss])
        first = (kind == 1) | ((kind == 2) & (rng.random(kind.shape) < 0.8))
        draws = paired_bootstrap(np.concatenate([first, (kind == 0) | ((kind == 2) & first)]), 400, block)
        for change in (draws[:, trials // 4 :] - draws[:, : trials // 4]).T:
            low, high = percentile_interval(change)
            covered += low <= gain - loss <= high
    assert abs(covered / trials - 0.95) < 3 * np.sqrt(0.05 * 0.95 / trials) + 0.01


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_intervals_of_shares_cover(share):
    hits = np.random.default_rng(1).binomial(1000, share, TRIALS)
    low, high = share_interval(hits, 1000)
    assert abs(np.mean((low <= share) & (share <= high)) - 0.95) < ERROR + 0.01


@pytest.mark.parametrize("discordant", [0.01, 0.1, 0.4])
def test_mcnemar_gives_no_more_false_alarms_than_it_says(discordant):
    gained, lost = pairs(1000, discordant / 2, discordant / 2)
    alarms = np.mean(mcnemar(gained, lost) < 0.05)
    assert alarms <= 0.05 + ERROR
    assert alarms > 0.005  # exact and discrete, so below nominal, but no idle test


def test_benjamini_hochberg_keeps_the_false_discovery_rate():
    same, changed = pairs(1000, 0.05, 0.05, 300 * 80), pairs(1000, 0.02, 0.09, 300 * 20, seed=2)
    drawn = [np.c_[a.reshape(300, 80), b.reshape(300, 20)] for a, b in zip(same, changed, strict=True)]
    shares = []
    for p in mcnemar(*drawn):
        found = benjamini_hochberg(p) < 0.05
        shares.append(found[:80].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.05


@pytest.mark.parametrize("discordant", [0.02, 0.2])
def test_benjamini_hochberg_raises_no_more_alarms_than_it_says_where_nothing_differs(discordant):
    """With every null true, the chance of any discovery is the false discovery rate itself."""
    trials = 600
    p = mcnemar(*pairs(800, discordant / 2, discordant / 2, 60 * trials)).reshape(trials, 60)
    any_found = [(benjamini_hochberg(one) < 0.05).any() for one in p]
    assert np.mean(any_found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)


def test_paired_t_tests_give_as_many_false_alarms_as_they_say():
    rng = np.random.default_rng(4)
    before = rng.normal(0.9, 0.02, (3000, 5))
    p = [paired_runs(one, one + rng.normal(0, 0.01, 5)).p_value for one in before]
    assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 3000)


def test_runs_are_tested_as_scipy_does_and_intervals_cover():
    rng = np.random.default_rng(3)
    before = rng.normal(0.9, 0.02, (2000, 6))
    after = before + rng.normal(-0.01, 0.01, (2000, 6))
    tests = [paired_runs(a, b) for a, b in zip(before, after, strict=True)]
    expected = stats.ttest_rel(after[0], before[0])
    assert tests[0].t == pytest.approx(expected.statistic)
    assert tests[0].p_value == pytest.approx(expected.pvalue)
    assert tests[0].effect_size == pytest.approx(expected.statistic / np.sqrt(6))
    covered = np.mean([t.low <= -0.01 <= t.high for t in tests])
    assert abs(covered - 0.95) < 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize("change", [[0.1], [0.1, 0.1, 0.1], [0.0, 0.0]])
def test_runs_that_say_nothing_give_no_test(change):
    found = paired_runs(np.zeros(len(change)), np.array(change))
    assert found.difference == pytest.approx(change[0])
    assert np.isnan([found.low, found.high, found.t, found.p_value, found.effect_size]).all()


@pytest.mark.parametrize(("count", "discordant"), [(10_000, 0.02), (2000, 0.1), (60_000, 0.005), (800, 0.01)])
def test_the_detectable_difference_is_found_four_times_in_five(count, discordant):
    change = detectable_difference(count, discordant)
    gained, lost = pairs(count, (discordant - change) / 2, (discordant + change) / 2)
    assert np.mean(mcnemar(gained, lost) < 0.05) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("count", "discordant"), [(45, 0.01), (360, 0.01), (700, 0.01), (30, 0.2)])
def test_too_few_samples_have_no_detectable_difference(count, discordant):
    """Not even where every sample that only one of the two has right is lost."""
    assert np.isnan(detectable_difference(count, discordant))
    gained, lost = pairs(count, 0.0, discordant)
    assert np.mean(mcnemar(gained, lost) < 0.05) < 0.8

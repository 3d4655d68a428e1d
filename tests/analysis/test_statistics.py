import numpy as np
import pytest
from scipy import stats

from interp.analysis.statistics import (
    benjamini_hochberg,
    explained_change,
    mcnemar,
    mean_from_sums,
    mean_interval,
    percentile_interval,
    poisson_binomial_law,
)


@pytest.mark.parametrize(
    ("runs", "least"),
    [(5, 0.93), (6, 0.93), (7, 0.93), (10, 0.93), (20, 0.935)],  # Student's t: 0.88, 0.89, 0.89, 0.90, 0.92
)
def test_means_of_skewed_runs_are_held(runs, least):
    drawn = np.random.default_rng(runs).exponential(size=(6000, runs))
    for values in (drawn, -drawn):
        ends = np.array([mean_interval(one)[1:] for one in values]) / np.sign(values[0, 0])
        held = np.mean((ends.min(axis=1) <= 1) & (ends.max(axis=1) >= 1))
        assert least <= held <= 0.97


def test_the_mean_of_runs_that_scatter_evenly_has_students_interval():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    ends = stats.t.interval(0.95, 4, loc=3, scale=1.15 * stats.sem(values))  # of five runs a little wider
    assert mean_interval(values)[1:] == pytest.approx(ends, rel=1e-12)
    more = np.arange(8.0)
    assert mean_interval(more)[1:] == pytest.approx(stats.t.interval(0.95, 7, 3.5, stats.sem(more)), rel=1e-12)
    assert mean_interval(np.full(6, 0.97)) == pytest.approx((0.97, 0.97, 0.97))
    assert np.isnan(mean_interval(np.array([0.5, 0.9, 0.9, 0.9]))[1:]).all()  # too few, should they be skewed


def test_mcnemar_is_the_binomial_test():
    gained, lost = np.meshgrid([0, 1, 5, 17], [0, 1, 6, 30])
    found = mcnemar(gained, lost)
    for index in np.ndindex(gained.shape):
        g, n = int(gained[index]), int(gained[index] + lost[index])
        assert found[index] == pytest.approx(stats.binomtest(g, n, 0.5).pvalue if n else 1, rel=1e-10)
    np.testing.assert_allclose(mcnemar(lost, gained), found)


def test_mcnemar_rejects_at_most_as_often_as_it_says():
    rng = np.random.default_rng(0)
    pairs = rng.integers(1, 60, 4000)
    gained = rng.binomial(pairs, 0.5)
    assert (mcnemar(gained, pairs - gained) <= 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 4000)


def test_benjamini_hochberg_is_scipys_and_ignores_nan():
    p = np.random.default_rng(0).random(40) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    holes = np.insert(p, [0, 7, 40], np.nan)
    corrected = benjamini_hochberg(holes)
    np.testing.assert_allclose(corrected[np.isfinite(holes)], stats.false_discovery_control(p))
    assert np.isnan(corrected[np.isnan(holes)]).all()
    assert np.isnan(benjamini_hochberg(np.full(3, np.nan))).all()
    order = np.random.default_rng(1).permutation(40)
    np.testing.assert_allclose(benjamini_hochberg(p[order]), benjamini_hochberg(p)[order])


def test_benjamini_hochberg_by_hand():
    np.testing.assert_allclose(benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.005])), [0.02, 0.04, 0.04, 0.02])


def test_poisson_binomial_is_binomial_for_equal_shares():
    np.testing.assert_allclose(
        poisson_binomial_law(np.full(30, 0.3)), stats.binom.pmf(np.arange(31), 30, 0.3), atol=1e-14
    )


def test_poisson_binomial_is_what_drawing_gives():
    shares = np.array([0.1, 0.5, 0.9, 0.25, 0.0, 1.0])
    law = poisson_binomial_law(shares)
    hits = (np.random.default_rng(0).random((40_000, 6)) < shares).sum(axis=1)
    np.testing.assert_allclose(law, np.bincount(hits, minlength=7) / 40_000, atol=0.01)
    assert law @ np.arange(7) == pytest.approx(shares.sum())
    np.testing.assert_allclose(poisson_binomial_law(shares[::-1]), law, atol=1e-15)


def test_poisson_binomial_laws_of_columns_are_those_of_each():
    shares = np.random.default_rng(0).random((20, 3))
    laws = poisson_binomial_law(shares)
    for column in range(3):
        np.testing.assert_array_equal(laws[:, column], poisson_binomial_law(shares[:, column]))


def test_draws_that_are_no_number_open_an_interval_from_their_share_on():
    draws = np.arange(1000.0)
    assert percentile_interval(np.where(draws < 20, np.nan, draws))[0] > 0
    low, high = percentile_interval(np.where(draws < 30, np.nan, draws))
    assert (low, high) == (-np.inf, np.inf)


def test_means_from_sums_have_students_interval_and_p_value():
    values = np.random.default_rng(0).normal(0.4, 1, (3, 12))
    mean, low, high, p_value = mean_from_sums(values.sum(1), (values**2).sum(1), 12)
    wanted = stats.ttest_1samp(values, 0, axis=1)
    ends = wanted.confidence_interval(0.95)
    np.testing.assert_allclose(mean, values.mean(1), rtol=1e-12)
    np.testing.assert_allclose([low, high], [ends.low, ends.high], rtol=1e-9)
    np.testing.assert_allclose(p_value, wanted.pvalue, rtol=1e-9)


def test_means_of_equal_values_are_their_own_interval():
    mean, low, high, p_value = mean_from_sums(np.array([0.0, 6.0]), np.array([0.0, 12.0]), 3)
    assert mean.tolist() == low.tolist() == high.tolist() == [0, 2]
    assert p_value.tolist() == [1, 0]


def change_sums(less, spread):
    """Give the sums over samples that `explained_change` takes, of simulations a row."""
    return [part.sum(1) for part in (less, spread, less**2, spread**2, less * spread)]


def test_a_change_of_r2_has_fiellers_interval():
    """At both ends the mean of decrease - end * spread lies as far from 0 as Student's t allows (Fieller 1954)."""
    rng = np.random.default_rng(0)
    less, spread = rng.normal(0.1, 0.5, (3, 400)), rng.standard_t(5, (3, 400)) ** 2
    for end in explained_change(*change_sums(less, spread), 400):
        np.testing.assert_allclose(stats.ttest_1samp(less - end[:, None] * spread, 0, axis=1).pvalue, 0.05, rtol=1e-6)


def test_a_change_of_r2_with_heavy_tails_is_covered():
    """The delta method's interval held 92.6 and 93.9 % here."""
    rng = np.random.default_rng(1)
    first = rng.normal(0, np.sqrt(0.2), (4000, 300))
    second = first + rng.normal(0, np.sqrt(0.1), first.shape)
    answers = rng.standard_t(5, first.shape) * np.sqrt(3 / 5)
    spread = (answers - answers.mean(1, keepdims=True)) ** 2
    low, high = explained_change(*change_sums(first**2 - second**2, spread), 300)
    assert 0.943 < ((low <= -0.1) & (high >= -0.1)).mean() < 0.963


def test_no_change_of_r2_is_known_to_be_none():
    spread = np.random.default_rng(2).normal(size=(1, 400)) ** 2
    assert np.ravel(explained_change(*change_sums(np.zeros_like(spread), spread), 400)).tolist() == [0, 0]
    alone = np.eye(1, 400)  # one sample differs from the mean: nothing can be said of the spread
    assert np.isnan(explained_change(*change_sums(np.zeros_like(alone), alone), 400)).all()

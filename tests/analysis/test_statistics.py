import numpy as np
import pytest
from scipy import stats

from interp.analysis.statistics import (
    agresti_interval,
    benjamini_hochberg,
    explained_change,
    mcnemar,
    mean_from_sums,
    mean_interval,
    paired_difference,
    percentile_interval,
    poisson_binomial_law,
    share_interval,
)


def test_agresti_interval_is_walds_with_two_more_of_each():
    low, high = agresti_interval(np.array([30]), 96)
    z = stats.norm.ppf(0.975)
    trials = 96 + z**2
    share = (30 + z**2 / 2) / trials
    assert low[0] == pytest.approx(share - z * np.sqrt(share * (1 - share) / trials), rel=1e-12)
    wilson = stats.binomtest(30, 96).proportion_ci(method="wilson")
    assert low[0] + high[0] == pytest.approx(wilson.low + wilson.high, rel=1e-12)  # the same middle, and wider
    assert low[0] < wilson.low < wilson.high < high[0]


@pytest.mark.parametrize("count", [32, 100, 1000])
def test_agresti_interval_holds_every_share_in_93_percent_of_data_sets(count):
    hits = np.arange(count + 1)
    shares = np.concatenate([np.geomspace(1e-3, 6, 200) / count, np.linspace(0.01, 0.5, 200)])
    low, high = agresti_interval(hits, count)
    chance = stats.binom.pmf(hits[:, None], count, shares)
    held = (chance * ((low[:, None] <= shares) & (shares <= high[:, None]))).sum(axis=0)
    assert held.min() >= 0.93
    assert held[shares * count >= 6].mean() <= 0.97


def test_agresti_interval_mirrors_hits_and_misses_and_stays_in_range():
    hits = np.arange(0, 98)
    low, high = agresti_interval(hits, 97)
    np.testing.assert_allclose(low, 1 - high[::-1], atol=1e-12)
    assert low[0] == 0
    assert high[-1] == 1
    assert ((low <= hits / 97) & (hits / 97 <= high)).all()


@pytest.mark.parametrize(
    ("runs", "least"),
    [(5, 0.91), (10, 0.93), (20, 0.935)],  # Student's t: 0.88, 0.90, 0.92
)
def test_means_of_skewed_runs_are_held(runs, least):
    drawn = np.random.default_rng(runs).exponential(size=(6000, runs))
    for values in (drawn, -drawn):
        ends = np.array([mean_interval(one)[1:] for one in values]) / np.sign(values[0, 0])
        held = np.mean((ends.min(axis=1) <= 1) & (ends.max(axis=1) >= 1))
        assert least <= held <= 0.97


def test_the_mean_of_runs_that_scatter_evenly_has_students_interval():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    ends = stats.t.interval(0.95, 4, loc=3, scale=stats.sem(values))
    assert mean_interval(values)[1:] == pytest.approx(ends, rel=1e-12)
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


@pytest.mark.parametrize(
    ("gain", "loss", "count"), [(0.05, 0.05, 500), (0.02, 0.1, 200), (0.3, 0.1, 100), (0.01, 0, 50)]
)
def test_paired_difference_covers_the_truth(gain, loss, count):
    drawn = np.random.default_rng(1).multinomial(count, [gain, loss, 1 - gain - loss], 8000)
    difference, low, high = paired_difference(drawn[:, 0], drawn[:, 1], count)
    np.testing.assert_array_equal(difference, (drawn[:, 0] - drawn[:, 1]) / count)
    covered = ((low <= gain - loss) & (gain - loss <= high)).mean()
    assert covered > 0.95 - 0.015  # Agresti and Min: at or above its level, short of it by a percent at most


def test_paired_difference_mirrors_and_stays_in_range():
    gained, lost = np.meshgrid(np.arange(11), np.arange(11))
    keep = gained + lost <= 10
    difference, low, high = paired_difference(gained[keep], lost[keep], 10)
    back = paired_difference(lost[keep], gained[keep], 10)
    np.testing.assert_allclose([-back[0], -back[2], -back[1]], [difference, low, high], atol=1e-12)
    assert (low >= -1).all()
    assert (high <= 1).all()
    assert ((low <= difference) & (difference <= high)).all()


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


@pytest.mark.parametrize("count", [1, 5, 20, 300])
def test_mid_p_interval_of_a_share_is_its_definition(count):
    hits = np.arange(count + 1)
    low, high = share_interval(hits, count)
    inner = hits[:-1]
    upper = stats.binom.cdf(inner, count, high[:-1]) - stats.binom.pmf(inner, count, high[:-1]) / 2
    np.testing.assert_allclose(upper, 0.025, atol=1e-6)
    np.testing.assert_allclose(low, 1 - high[::-1], atol=1e-9)
    assert (low[0], high[-1]) == (0, 1)
    assert high[0] > 0, "none of so many is not none at all"


def test_shares_of_few_nodes_are_covered():
    worst = []
    for count in (5, 10, 20, 50):
        hits, shares = np.arange(count + 1), np.linspace(0.5 / count, 1 - 0.5 / count, 400)
        low, high = share_interval(hits, count)
        law = stats.binom.pmf(hits[:, None], count, shares)
        covered = (law * ((low[:, None] <= shares) & (shares <= high[:, None]))).sum(0)
        worst.append(covered.min())
        assert 0.945 < covered.mean() < 0.98
    assert min(worst) > 0.92


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
    assert 0.93 < covered < 0.99


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

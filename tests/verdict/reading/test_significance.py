import numpy as np
import pytest
from scipy import stats

from interp.verdict.reading.rule import Rule, has_power, leaning, worst_p_value
from interp.verdict.reading.significance import Null, copies_needed, holm, rank_p_value


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_a_null_statistic_is_rejected_as_often_as_is_said(share):
    """4,000 draws of a value with its 99 copies; three standard errors are about 0.007, 0.014 and 0.024."""
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((4000, 100))
    p_values = np.array([rank_p_value(row[0], row[1:]) for row in drawn])
    assert (p_values <= share + 1e-9).mean() == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 4000))


def test_the_least_p_value_is_two_in_the_number_of_copies_and_one():
    assert rank_p_value(5.0, np.zeros(99)) == pytest.approx(0.02)
    assert rank_p_value(-5.0, np.zeros(299)) == pytest.approx(2 / 300)
    assert rank_p_value(0.0, np.zeros(99)) == 1.0


def test_copies_without_a_value_are_left_out():
    assert rank_p_value(5.0, np.array([np.nan, 0.0, 1.0, 2.0])) == pytest.approx(0.5)
    assert np.isnan(rank_p_value(1.0, np.full(5, np.nan)))
    assert np.isnan(rank_p_value(float("nan"), np.zeros(5)))


def test_holm_is_the_textbook_s():
    p_values = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p_values), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.2, np.nan, 0.01])), [0.2, np.nan, 0.02])
    assert holm(np.array([0.9, 0.8])).max() <= 1.0


def test_holm_lies_between_bonferroni_and_benjamini_hochberg():
    p_values = np.random.default_rng(1).random(20) ** 2
    assert (holm(p_values) <= np.minimum(20 * p_values, 1) + 1e-12).all()
    assert (holm(p_values) >= stats.false_discovery_control(p_values) - 1e-12).all()


@pytest.mark.parametrize("layers", [1, 2, 3, 7])
def test_copies_that_are_needed_are_enough_and_one_less_is_not(layers):
    count = copies_needed(layers, 0.02)
    assert layers * rank_p_value(9.0, np.zeros(count)) <= 0.02 + 1e-12
    assert layers * rank_p_value(9.0, np.zeros(count - 1)) > 0.02


def null(low, high, count=99):
    return Null("shuffled", np.linspace(low, high, count))


def called(balance, *nulls, layers=1):
    return leaning(balance, nulls, layers * worst_p_value(balance, nulls), layers)


def test_the_rule_s_four_answers():
    assert called(0.6, null(-0.2, 0.2), null(-0.3, 0.1)) == "distances"
    assert called(-0.6, null(-0.2, 0.2), null(-0.3, 0.1)) == "intensities"
    assert called(0.05, null(-0.2, 0.2), null(-0.3, 0.1)) == "neither"
    assert called(0.05, null(-0.9, 0.9), null(-0.3, 0.1)) == "undecided"


def test_both_kinds_of_copies_must_be_beaten():
    assert called(0.6, null(-0.2, 0.2), null(0.3, 0.7)) != "distances"


def test_a_layer_is_not_called_on_the_side_that_it_is_not_on_itself():
    """Less for large outputs than its copies, and still more for large ones than for small ones."""
    assert called(-0.3, null(-0.9, -0.4), null(-0.9, -0.4)) == "neither"


def test_a_small_balance_is_not_called_however_small_its_p_value():
    assert called(0.09, null(-0.01, 0.01)) == "neither"
    assert called(0.11, null(-0.01, 0.01)) == "distances"


def test_few_copies_or_none_with_a_value_decide_nothing():
    assert called(0.9, null(-0.1, 0.1, 50)) == "undecided"
    assert leaning(float("nan"), [null(-0.1, 0.1)], float("nan"), 1) == "undecided"
    assert leaning(0.5, [Null("fresh", np.full(99, np.nan))], float("nan"), 1) == "undecided"


def test_power_needs_copies_for_the_number_of_layers():
    strict = Rule(alpha=0.02)
    assert has_power([null(-0.1, 0.1)], 1, strict)
    assert not has_power([null(-0.1, 0.1)], 2, strict)
    assert has_power([null(-0.1, 0.1, 199)], 2, strict)
    assert not has_power([null(-0.1, 0.6)], 1)
    assert has_power([null(-0.1, 0.6)], 1, Rule(power=0.7))


def test_the_central_range_of_copies():
    assert null(0, 100, 101).central == (2.5, 97.5)
    assert np.isnan(Null("fresh", np.full(3, np.nan)).central).all()

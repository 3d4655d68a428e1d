"""Tests between learn-DM's architectures: what is known of single runs comes back from means and deviations."""

import numpy as np
import pytest
from scipy import stats

from zoo.papers.learn_dm.architectures import architecture_sentence, architecture_tests
from zoo.papers.report import mean_cell

RUNS = {"abs": [95.0, 95.2, 95.4, 95.1], "relu": [95.8, 95.9, 95.7, 96.0], "abs2": [95.3]}


def cells():
    return [
        mean_cell(
            f"5,000 epochs / test_acc / {name}, bias", np.mean(runs), runs, digits=2, their_runs=20, their_spread=0.2
        )
        for name, runs in RUNS.items()
    ]


def test_ours_is_welchs_test_of_the_runs():
    table = architecture_tests(cells())
    expected = stats.ttest_ind(RUNS["abs"], RUNS["relu"], equal_var=False).pvalue
    assert table.loc["abs - relu", "our p"] == pytest.approx(expected)


def test_one_run_is_not_tested():
    table = architecture_tests(cells())
    assert table["our p"].isna().tolist() == [False, True, True]
    assert "for abs - relu; 1 of these 1 tests says" in architecture_sentence(table)
    assert "for no pair" in architecture_sentence(table.drop(index="abs - relu"))


def test_published_p_values_are_corrected():
    table = architecture_tests(cells())
    alone = stats.ttest_ind_from_stats(95.175, 0.2, 20, 95.3, 0.2, 20, equal_var=False).pvalue
    assert table.loc["abs - abs2", "published p"] > 1.5 * alone

"""Tables of the survey: planted rows give the figures that were planted."""

import pandas as pd
import pytest
from scipy import stats
from survey_rows import planted

from zoo.survey import tables


def test_first_and_last_layers_are_told_apart_where_they_differ() -> None:
    found = tables.ends_compared(planted(0.0, 0.3)).loc["relu"]
    assert found["conditions"] == 6
    assert found["last - first"] == pytest.approx(0.3, abs=0.03)
    assert found["p of last"] < 1e-3 < found["p of first"]


def test_conditions_and_not_seeds_are_the_unit() -> None:
    rows = planted(0.0, 0.3)
    doubled = pd.concat([rows, rows.assign(seed=rows["seed"] + 5)])
    pd.testing.assert_frame_equal(tables.ends_compared(rows), tables.ends_compared(doubled))


def test_p_over_seeds_is_scipys() -> None:
    rows = planted(0.2, 0.3)
    some = rows[(rows["data"] == "mnist") & (rows["depth"] == 3) & (rows["layer"] == 3)]
    expected = stats.ttest_1samp(some["balance"] - 0.05, 0).pvalue
    assert tables.by_condition(rows).loc[("survey", "mnist", "relu", 3, 3), "p over seeds"] == pytest.approx(expected)


def test_every_layer_is_counted_once() -> None:
    rows = planted(0.0, 0.3)
    assert tables.by_condition(rows)[list(tables.LEANINGS)].to_numpy().sum() == len(rows)
    places = tables.calls_by_place(rows)
    assert places["layers"].sum() == len(rows)
    assert places.loc[("relu", "last"), "distances"] == places.loc[("relu", "last"), "layers"]


def test_rarity_has_the_planted_sign() -> None:
    found = tables.rarity(planted(-0.3, 0.3))
    assert found.loc["relu", "skewness"] < -0.9
    assert found.loc["relu", "upper_share"] > 0.9


def test_networks_by_chance_are_left_out() -> None:
    assert tables.decides(pd.DataFrame({"accuracy": [0.1, 0.32, 0.33]})).tolist() == [False, False, True]


def test_two_levels_are_counted_where_they_keep_more_than_every_copy():
    found = tables.trained_or_not(planted(0.0, 0.3)).loc[("mnist", "relu")]
    assert found["above shuffled"] == 1
    assert found["above fresh"] == 0


def test_all_activations_together_are_as_many_conditions():
    rows = pd.concat([planted(0.0, 0.3, "abs"), planted(0.0, 0.3, "relu")])
    found = tables.ends_compared(rows)
    assert found.loc["all", "conditions"] == found.drop(index="all")["conditions"].sum()

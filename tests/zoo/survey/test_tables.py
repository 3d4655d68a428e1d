"""Tables of the survey: planted rows give the figures that were planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from zoo.survey import tables

SEEDS = range(5)


def planted(first: float, last: float, activation: str = "relu", skew: float = 1.0) -> pd.DataFrame:
    """Rows of networks of two to four hidden layers on two data sets whose first and last layers are known."""
    rng = np.random.default_rng(0)
    rows = []
    for data in ("digits", "mnist"):
        for depth in (2, 3, 4):
            for seed in SEEDS:
                for layer in range(1, depth + 1):
                    inside = {1: first, depth: last}.get(layer, 0.0) + rng.normal(0, 0.02)
                    rows.append(
                        {
                            "data": data,
                            "activation": activation,
                            "depth": depth,
                            "seed": seed,
                            "layer": layer,
                            "accuracy": 0.9,
                            "balance": inside + 0.05,  # the copies' middle
                            "shuffled_median": 0.06,
                            "fresh_median": 0.04,
                            "shuffled_low": -0.1,
                            "shuffled_high": 0.2,
                            "leaning": "distances" if inside > 0.1 else "neither",
                            "skewness": -skew * inside,
                            "upper_share": skew * inside,
                        }
                    )
    return pd.DataFrame(rows)


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
    assert tables.by_condition(rows).loc[("mnist", "relu", 3, 3), "p over seeds"] == pytest.approx(expected)


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

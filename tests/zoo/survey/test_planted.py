"""Nodes that were planted to be read at one end keep their side where that end is the common one."""

import pandas as pd
import pytest

from zoo.survey.planted import planted_rarity, planted_sentence


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return planted_rarity(range(901, 903))


def test_templates_of_a_common_class_are_still_read_at_their_large_outputs(table):
    common = table.loc[("intensities", "templates", 30.0, "small")]
    assert common["nodes"] >= 5
    assert common["S"] < 0


def test_distances_are_read_at_small_outputs_whatever_is_rare(table):
    assert (table.loc["distances"].loc["l1-mahalanobis", "S"] > 0.2).all()


def test_the_sentence_counts_the_nodes_whose_rare_state_is_not_read(table):
    said = planted_sentence(table)
    index = table.index.to_frame()
    odd = (index["planted"] == "distances") == (index["rare state"] == "large")
    assert f"({table.loc[odd.to_numpy(), 'nodes'].sum()})" in said
    assert "templates: what is read" in said
    assert "templates: what is rare" in planted_sentence(table.assign(right_side=1 - table["right_side"]))
    assert "templates: neither clearly" in planted_sentence(table.assign(right_side=0.5))

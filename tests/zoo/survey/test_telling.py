"""Which numbers tell trained networks from copies: planted rows give the shares that were planted."""

import numpy as np
import pandas as pd
import pytest
from survey_rows import planted

from zoo.planted.families import Wish, mixture, plant
from zoo.survey import telling
from zoo.survey.coherence import coherence_row, pre_activations
from zoo.survey.rows import Survey


def test_what_lies_beyond_its_copies_is_counted_for_each_statistic():
    rows = planted(0.0, 0.3).assign(p_value=0.5)
    rows.loc[rows.index[: len(rows) // 2], "p_value"] = 0.01
    table = telling.told_apart(rows)
    assert table["beyond at 5 %"].tolist() == pytest.approx([0.5, 1, 0], abs=0.02)
    assert table.loc["two-level cut, fresh copies", "above the middle"] == 1  # 0.9 against 0.8 on average
    said = telling.verdict(table)
    assert "more: two-level cut, shuffled copies." in said
    assert "fresh copies (0%)" in said


def test_none_is_named_where_none_is_reliable():
    rows = planted(0.0, 0.3).assign(p_value=0.5, kept_p_shuffled=0.5)
    assert telling.verdict(telling.told_apart(rows)).startswith("**None does so reliably.**")


def coherence(trained: float) -> pd.DataFrame:
    """Rows of two networks, before and after training, with a shuffled copy of each."""
    rows = []
    for seed in (0, 1):
        for epoch in (0, 40):
            for state in ("network", "shuffled"):
                share = trained if (epoch, state) == (40, "network") else 0.2
                rows.append(
                    {"activation": "relu", "seed": seed, "epoch": epoch, "state": state, "layer": 1}
                    | {"coherent": share, "excess": share - 0.2, "coherent_p": 0.01 if share > 0.2 else 0.6}
                )
    return pd.DataFrame(rows)


def test_coherence_is_held_against_both_selves():
    table = telling.coherence_told_apart(coherence(0.6))
    assert set(table.index.get_level_values("which")) == {"epoch 0", "epoch 40", "shuffled"}
    assert table.loc[("relu", 1, "shuffled"), "networks"] == 2
    said = telling.coherence_sentence(table)
    assert "rises in 1 of 1 layers" in said
    assert "at least doubles in relu layer 1." in said
    assert "doubles in none" in telling.coherence_sentence(telling.coherence_told_apart(coherence(0.3)))
    assert "100% of trained layers, 0% of untrained and 0% of shuffled" in said
    assert "rises in 0 of 1" in telling.coherence_sentence(telling.coherence_told_apart(coherence(0.1)))


def test_pages_are_written_for_own_and_for_published_networks(tmp_path):
    rows = planted(0.0, 0.3).assign(p_value=0.5)
    survey = Survey(rows, pd.DataFrame(), rows.assign(group="papers"), [], coherence(0.6))
    own, papers = telling.pages(survey, tmp_path)
    assert own == tmp_path / "planted" / "along-training.md"
    assert "The share of coherent nodes" in own.read_text()
    assert "The share of coherent nodes" not in papers.read_text()
    assert "nan" not in own.read_text().lower()


def test_coherence_of_a_layer_is_a_share():
    made = plant("templates", 6, Wish(data=mixture(0)))
    inputs, labels = made.data.train
    row = coherence_row(*_ordered(pre_activations(made.network, "hidden1", inputs[:300]), labels[:300].numpy()))
    assert 0 <= row["coherent"] <= 1
    assert 0 < row["coherent_p"] <= 1


def _ordered(values: tuple[np.ndarray, np.ndarray], labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return values[0], labels, values[1]

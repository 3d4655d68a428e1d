"""Reading of finished networks: planted layers get their side, and an interrupted survey goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch

from zoo.finished import read_finished
from zoo.planted.families import plant
from zoo.survey import rarity, reading, store


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    made = plant("templates", 6)
    assert made.truth == {"hidden1": "intensities"}
    return reading.rows_of(made.network, made.data.test[0][:200], {})


def test_a_planted_layer_gets_its_side(rows: list[dict[str, Any]]) -> None:
    assert rows[0]["balance"] < rows[0]["shuffled_median"] - 0.1
    assert rows[0]["shuffled_low"] <= rows[0]["shuffled_median"] <= rows[0]["shuffled_high"]


def test_two_levels_keep_a_share(rows: list[dict[str, Any]]) -> None:
    assert 0 <= rows[0]["kept_shuffled"] < rows[0]["kept_given"] <= 1


def test_rarity_of_a_state() -> None:
    rare_high = torch.zeros(100, 1)
    rare_high[:5] = 1.0
    high, low = rarity.state_row(rare_high), rarity.state_row(1 - rare_high)
    assert high["skewness"] == pytest.approx(-low["skewness"])
    assert high["upper_share"] == pytest.approx(0.05)
    assert low["upper_share"] == pytest.approx(0.95)


def test_dead_nodes_have_no_state() -> None:
    assert torch.isnan(torch.tensor(rarity.state_row(torch.zeros(10, 3))["skewness"]))


def test_an_interrupted_survey_goes_on(tmp_path: Path) -> None:
    networks = {tmp_path / name: torch.zeros(1) for name in ("a.pt", "b.pt")}
    for path in networks:
        path.write_bytes(b"")
    file = tmp_path / "rows.jsonl"
    whole = "".join(f'{{"network": "{store._key(path)}", "rows": [{{"layer": 1}}]}}\n' for path in networks)
    file.write_text(whole)
    assert len(store.rows_of_all(networks, file)) == 2  # neither is a network: nothing was read again

    file.write_text(whole[:-5])  # killed within the second line
    assert [line["network"] for line in read_finished(file)] == [store._key(tmp_path / "a.pt")]

"""What benchmarks/kinds.py and benchmarks/nulls.py measure, on a few seeds."""

import numpy as np
import pandas as pd
import pytest
from kinds import grows
from planting.initialised import INITIALISATIONS, seed_rows
from planting.kinds import EACH, FRESH, LABELS, class_rows, grid_rows, kappa, node_rows, right_share
from sklearn.metrics import cohen_kappa_score

from interp.types import Thresholds
from zoo.planted.nodes import PlantedNode


def test_right_are_counted_among_those_called_anything():
    rows = pd.DataFrame({"kind": ["coherent", "undecided", "adhoc", "dead"], "truth": ["coherent"] * 3 + ["dead"]})
    assert right_share(rows) == 0.6667
    assert right_share(rows[rows["kind"] == "undecided"]) is None


def test_kappa_is_scikit_learns():
    rng = np.random.default_rng(0)
    first = pd.Series(rng.choice(["a", "b", "c"], 60))
    second = first.where(rng.random(60) < 0.6, "b")
    assert kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_the_truth_of_a_planted_node():
    def node(kind, sigma, positive):
        return PlantedNode(kind, None, 0.0, 0, sigma, positive).truth(Thresholds())

    assert node("dead", 8.0, 0.0) == "dead"
    assert node("one-sided", 8.0, 1.0) == "one-sided"
    assert node("displaced", 0.25, 0.4) == "coherent"
    assert node("midway", 0.26, 0.4) == "adhoc"


def test_planted_nodes_are_called_what_they_are():
    rows = pd.concat([node_rows(seed) for seed in (FRESH, FRESH + 1)] + [grid_rows(10.0, 4000, FRESH)])
    assert right_share(rows) == 1.0
    assert len(rows[rows["sigma"].notna()]) >= 2 * len(EACH)
    assert set(rows["kind"]) >= {"coherent", "adhoc", "dead", "one-sided"}


def test_planted_nodes_are_called_what_they_are_by_the_means_of_classes():
    rows = pd.concat([class_rows(seed) for seed in range(FRESH, FRESH + 12)])
    said = rows[rows["kind"].isin(LABELS)]
    assert set(said["kind"]) == set(LABELS)
    assert set(said["joined"]) == {False, True}
    assert right_share(said) >= 0.98


def test_layers_that_learned_nothing_are_not_called_more_than_chance():
    rows = pd.DataFrame(seed_rows(1))
    assert set(rows["initialisation"]) == set(INITIALISATIONS)
    assert not rows["more"].any()


def test_a_claimed_share_that_falls_clearly_is_found():
    index = pd.MultiIndex.from_product([[2, 4], [100, 1000]], names=["separation", "samples"])
    cells = pd.DataFrame({"sum": [5, 20, 40, 60], "size": 100}, index=index)
    assert grows(cells)
    assert grows(cells.assign(sum=[5, 20, 40, 36])), "which sampling explains"
    assert not grows(cells.assign(sum=[5, 45, 40, 20]))

"""Prototypes beside layers that were never trained: which of them are closer than chance, and how often by luck."""

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from interp.analysis import UntrainedOptions, beside_untrained
from interp.analysis.clusters.untrained import KINDS, NULLS
from interp.types import ClusterMatch

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(8, 20)) * 2
LABELS = RNG.integers(0, 8, 800)
X = CENTRES[LABELS] + RNG.normal(size=(800, 20))
FEW = UntrainedOptions(repetitions=39, rows=400)


def claim(table, kind):
    """What the page says of one sort of prototype."""
    empty = {key: {} for key in ("match", "distance", "null_distance")}
    found = ClusterMatch(k=8, centroids=CENTRES, rows=800, agreement=None, accuracy=None, untrained=table, **empty)
    return found.closer_than_untrained(kind)


def test_nodes_that_measure_the_distance_to_a_cluster_are_closer_than_untrained_ones():
    """z = w.(x - centre) with w along the axis that sets a cluster apart: nearest inputs are its members."""
    weight = CENTRES - CENTRES.mean(0)
    (table,) = beside_untrained(X, [CENTRES], weight, -(weight * CENTRES).sum(1), "abs", FEW)
    assert set(table["prototype"]) == set(KINDS)
    assert set(table["null"]) == set(NULLS)
    assert claim(table, "nearest") is True
    assert (table[table["prototype"] == "nearest"]["p_value"] == 1 / 40).all()


def test_an_untrained_layer_is_seldom_called_closer():
    """One of 40 alike layers is the closest with a chance of 1/40; against four nulls at once, less often."""
    called, trials = 0, 40
    for seed in range(trials):
        rng = np.random.default_rng(seed + 1)
        weight, bias = rng.uniform(-1, 1, (8, 20)) / np.sqrt(20), rng.uniform(-1, 1, 8) / np.sqrt(20)
        options = UntrainedOptions(rows=200, seed=seed)
        (table,) = beside_untrained(X[:200], [CENTRES], weight, bias, "relu", options)
        called += claim(table, "nearest") + claim(table, "strongest") + claim(table, "conditional")
    assert called <= 8, "of 120 claims at 2.5 % each"


def test_the_same_seed_gives_the_same_and_scaling_nodes_changes_nothing():
    weight, bias = RNG.normal(size=(5, 20)), RNG.normal(size=5)
    small = UntrainedOptions(repetitions=3, rows=200)
    (first,) = beside_untrained(X, [CENTRES], weight, bias, "relu", small)
    (second,) = beside_untrained(X, [CENTRES], 8 * weight, 8 * bias, "relu", small)
    np.testing.assert_allclose(first["distance"], second["distance"], rtol=1e-4)
    np.testing.assert_array_equal(first["low"], second["low"])


@pytest.mark.parametrize("nodes", [1, 70])
def test_dead_nodes_and_few_or_many_nodes(nodes):
    weight = np.zeros((nodes, 20))
    (table,) = beside_untrained(
        X, [CENTRES], weight, np.zeros(nodes), "relu", UntrainedOptions(repetitions=2, rows=100)
    )
    assert table["distance"].isna().all()
    assert table["p_value"].isna().all()
    assert claim(table, "nearest") is None


def test_several_sets_of_centroids_are_held_against_the_same_layers():
    weight, bias = RNG.normal(size=(5, 20)), RNG.normal(size=5)
    small = UntrainedOptions(repetitions=3, rows=200)
    together = beside_untrained(X, [CENTRES, CENTRES[:3]], weight, bias, "relu", small)
    for table, centroids in zip(together, (CENTRES, CENTRES[:3]), strict=True):
        (alone,) = beside_untrained(X, [centroids], weight, bias, "relu", small)
        assert_frame_equal(table, alone)
    assert (together[0]["distance"] != together[1]["distance"]).all()


def test_what_was_not_compared_is_not_called_anything():
    import pandas as pd

    assert claim(pd.DataFrame(), "nearest") is None

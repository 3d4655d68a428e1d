"""Hypotheses that as-NN leaves open: planted answers come back."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from interp.checkpoints import load_module
from zoo.papers.as_nn.hypotheses import ONE_OF_TWO, coordinate_norms, states
from zoo.papers.as_nn.hypothesis_words import accuracy_sentence, difference_sentence, norm_of_batch_norm, one_sided


def rows(gain: float, norm: float = 1.0, bn_gain: float = 0.0) -> pd.DataFrame:
    """Five networks a condition; training adds `gain` to the share above chance, with a batch norm `bn_gain` more."""
    rng = np.random.default_rng(0)
    made = []
    for name in ("abs", "abs-bn"):
        for seed in range(5):
            for state in ("trained", "untrained"):
                learned = (gain + bn_gain * name.endswith("bn")) * (state == "trained")
                made.append(
                    {
                        "condition": f"digits {name}",
                        "network": f"{name}-{seed}",
                        "state": state,
                        "accuracy": 0.9 + 0.01 * seed,
                        "coherent": 0.3 + 0.01 * seed,
                        "excess": learned + rng.normal(0, 0.01),
                        "norm": (norm if state == "trained" else 0.5) + rng.normal(0, 0.01),
                    }
                )
    return pd.DataFrame(made)


def test_what_training_adds_is_told_from_what_was_there_before():
    assert "closer to clusters" in difference_sentence(rows(0.1), "excess")[0]
    assert "no clear difference" in difference_sentence(rows(0.0), "excess")[0]
    assert "farther from clusters" in difference_sentence(rows(-0.1), "excess")[0]


@pytest.mark.parametrize(("norm", "said"), [(1.0, "closer to one"), (2.5, "farther from one")])
def test_norms_are_held_against_one(norm, said):
    assert said in difference_sentence(rows(0.0, norm), "norm")[0]


def test_a_batch_norm_counts_for_what_is_learned_through_it_alone():
    assert "More is learned with the norm" in norm_of_batch_norm(rows(0.1, bn_gain=0.1), "abs")
    assert "The norm itself" in norm_of_batch_norm(rows(0.1), "abs")


def test_a_relation_with_accuracy_needs_several_conditions():
    assert "It is supported" in accuracy_sentence(rows(0.0))
    turned = rows(0.0).assign(coherent=lambda table: -table["coherent"])
    assert "Not supported" in accuracy_sentence(turned)


def test_the_exact_p_value_is_scipys():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=6), rng.normal(size=6)
    exact = stats.permutation_test(
        (one,), lambda x: stats.spearmanr(x, other).statistic, permutation_type="pairings", alternative="greater"
    )
    rho, p = one_sided(one, other)
    assert rho == pytest.approx(stats.spearmanr(one, other).statistic)
    assert p == pytest.approx(exact.pvalue, abs=1e-6)


def test_one_direction_of_a_plane_fits_its_distance_with_four_over_pi():
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, 400_000))
    slope = (np.hypot(u, v) * np.abs(u)).mean() / (u**2).mean()
    assert slope == pytest.approx(ONE_OF_TWO, abs=0.01)


def test_the_norm_is_the_standard_deviation_of_z():
    rng = np.random.default_rng(0)
    data, weights = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3)), rng.normal(size=(4, 3))
    np.testing.assert_allclose(coordinate_norms(weights, data), (data @ weights.T).std(0))


def test_a_network_is_measured_beside_its_fresh_self():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 6), torch.nn.BatchNorm1d(6), torch.nn.ReLU(), torch.nn.Linear(6, 10)
    )
    model, data = load_module(network.eval(), "digits")
    trained, fresh = states(model, data, seed=1)
    assert (trained["state"], fresh["state"]) == ("trained", "untrained")
    assert fresh["norm"] == pytest.approx(1, abs=0.05)  # of a batch norm with the statistics of the data
    assert trained["norm"] != pytest.approx(1, abs=0.05)
    assert 0 <= fresh["coherent"] <= 1

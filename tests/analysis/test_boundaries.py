from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from interp.analysis.boundaries import PRESETS, classify_boundaries, preset
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.errors import DataError, UsageError
from interp.types import Thresholds

NAMES = ("coherent single", "coherent of two", "adhoc", "one-sided", "dead")


def planted(rows=5000, seed=0):
    """One node of each kind, see `NAMES`."""
    rng = np.random.default_rng(seed)
    two = np.where(rng.random(rows) < 0.3, rng.normal(0, 1, rows), rng.normal(12, 2, rows))
    adhoc = np.where(rng.random(rows) < 0.5, rng.normal(-6, 1, rows), rng.normal(6, 1, rows))
    return np.stack([rng.normal(0.1, 1, rows), two, adhoc, rng.normal(9, 1, rows), np.full(rows, 0.3)], axis=1)


@pytest.fixture(scope="module")
def fit():
    return fit_gaussians(planted())


def test_planted_nodes_are_named(fit):
    found = classify_boundaries(fit)
    assert found.kind.tolist() == ["undecided", "coherent", "adhoc", "one-sided", "dead"]
    assert found.counts == {"coherent": 1, "adhoc": 1, "undecided": 1, "one-sided": 1, "dead": 1}
    every = classify_boundaries(fit, Thresholds(reliability=0))
    assert every.kind.tolist() == ["coherent", "coherent", "adhoc", "one-sided", "dead"]
    assert every.counts == {"coherent": 2, "adhoc": 1, "one-sided": 1, "dead": 1}
    np.testing.assert_array_equal(found.component[[0, 1, 4]], [0, 0, np.nan])


def test_distance_is_mean_over_sigma_of_the_nearest_component(fit):
    found = classify_boundaries(fit)
    np.testing.assert_allclose(found.distance[:4], [0.1, 0, 6, 9], atol=0.3)
    for node in range(4):
        m, s = fit.component_mean[node], np.sqrt(fit.component_var[node])
        expected = [abs(a) / b for a, b, w in zip(m, s, fit.weight[node], strict=True) if w >= 0.05]
        assert found.distance[node] == pytest.approx(min(expected), rel=1e-12)
    assert np.isnan(found.distance[4])
    assert np.isnan(found.p_value[4])
    assert np.isnan(found.q_value[4])


def test_light_components_are_no_clusters():
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(0, 0.5, 120), rng.normal(15, 1, 3880)])[:, None]  # 3 % lie at the boundary
    fit = fit_gaussians(z)
    assert fit.components.tolist() == [2]
    assert classify_boundaries(fit).kind.tolist() == ["adhoc"]
    assert classify_boundaries(fit, Thresholds(min_weight=0.01, reliability=0)).kind.tolist() == ["coherent"]


def test_sign_and_scale_of_a_node_change_no_distance(fit):
    moved = classify_boundaries(fit_gaussians(planted() * np.array([-3.0, 0.1, -50.0, 2.0, 4.0])))
    found = classify_boundaries(fit)
    np.testing.assert_array_equal(moved.kind, found.kind)
    np.testing.assert_allclose(moved.distance, found.distance, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(moved.p_value, found.p_value, atol=5e-3)


def test_node_order_permutes_nodes_and_keeps_curves(fit):
    order = [4, 2, 0, 3, 1]
    found, moved = classify_boundaries(fit), classify_boundaries(fit_gaussians(planted()[:, order]))
    for name in ("kind", "component"):
        np.testing.assert_array_equal(getattr(moved, name), getattr(found, name)[order])
    for name in ("distance", "distance_low", "p_value", "q_value"):
        np.testing.assert_allclose(getattr(moved, name), getattr(found, name)[order], rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(moved.share, found.share)
    np.testing.assert_allclose(moved.null_share["random point"], found.null_share["random point"], rtol=1e-9)
    np.testing.assert_allclose(moved.share_p_value, found.share_p_value, rtol=1e-9)


@pytest.mark.parametrize(
    ("rule", "mean", "sd"), [("mixture", 0.5, 1), ("mixture", 6, 4), ("mean", 2, 5), ("mean", 1, 0.1)]
)
def test_interval_covers_the_true_distance(rule, mean, sd):
    """In sigma for mixtures, in output units for the mean: 600 nodes of 400 rows each."""
    z = np.random.default_rng(5).normal(mean, sd, (400, 600))
    fit = fit_gaussians(z, None, GaussianOptions(components=1))
    found = classify_boundaries(fit, Thresholds(rule=rule))
    truth = abs(mean) / (sd if rule == "mixture" else 1)
    covered = ((found.distance_low <= truth) & (truth <= found.distance_high)).mean()
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 600))


def test_p_value_is_uniform_where_boundaries_pass_through_random_points():
    rng = np.random.default_rng(0)
    z = np.where(rng.random((1500, 150)) < 0.5, rng.normal(-3, 1, (1500, 150)), rng.normal(3, 1.5, (1500, 150)))
    z = z - z[rng.integers(0, 1500, 150), np.arange(150)]
    found = classify_boundaries(fit_gaussians(z, None, GaussianOptions(components=3)))
    assert stats.kstest(found.p_value, "uniform").pvalue > 0.01
    assert (found.q_value >= found.p_value).all()


def test_share_is_the_share_of_live_nodes_within_epsilon(fit):
    found = classify_boundaries(fit)
    assert 0.25 in found.epsilons
    expected = [(found.distance[:4] <= epsilon).mean() for epsilon in found.epsilons]
    np.testing.assert_allclose(found.share, expected)
    assert (np.diff(found.share) >= 0).all()
    assert np.isnan([found.share_low, found.share_high]).all(), "four nodes are too few for an interval"


def test_a_share_of_many_nodes_lies_in_its_interval():
    many = np.concatenate([planted(500, seed)[:, :3] for seed in range(10)], axis=1)
    found = classify_boundaries(fit_gaussians(many))
    assert (found.share_low <= found.share).all()
    assert (found.share <= found.share_high).all()
    assert (found.share_low < found.share_high).all()


def test_dead_nodes_given_by_their_outputs_count_for_nothing(fit):
    dead = np.array([True, False, False, False, True])
    found = classify_boundaries(fit, dead=dead)
    assert found.kind[0] == "dead"
    assert np.isnan(found.component[0])
    assert found.share[np.searchsorted(found.epsilons, 0.25)] == pytest.approx(1 / 3)


def test_a_layer_of_dead_nodes_has_no_share():
    found = classify_boundaries(fit_gaussians(np.full((100, 3), 0.7)), bias=np.arange(3.0))
    assert found.counts["dead"] == 3
    assert np.isnan(found.share).all()
    assert found.null_share == {}
    assert (found.share_p_value == 1).all()


def test_one_live_node_has_no_other_bias_to_take(fit):
    one = fit_gaussians(planted()[:, :1])
    assert set(classify_boundaries(one, bias=np.zeros(1)).null_share) == {"random point", "data mean"}


def test_as_nn_is_the_published_rule(fit):
    thresholds = preset("as-nn")
    assert thresholds == Thresholds(rule="mean", epsilon=1.0, one_sided=1.01)
    found = classify_boundaries(fit, thresholds)
    np.testing.assert_allclose(found.distance[:4], np.abs(planted().mean(axis=0))[:4], rtol=1e-12)
    assert found.kind.tolist() == ["coherent", "adhoc", "coherent", "adhoc", "dead"]


def test_published_parameters_give_the_published_table(shared):
    """Table 3, Abs: 277 coherent nodes and 23 adhoc ones, with mean final errors of 0.396 and 0.541."""
    folder = shared / "fixtures" / "published" / "experiment1" / "abs-data-sampled"
    if not folder.is_dir():
        pytest.skip("no published experiment 1")
    saved = torch.load(folder / "final_params.pt", map_location="cpu", weights_only=True)
    data = torch.load(folder / "gaussian_dataset.pt", map_location="cpu", weights_only=True)
    z = (data["X"] @ saved["weights"].T + saved["biases"]).numpy()
    found = classify_boundaries(fit_gaussians(z, None, GaussianOptions(components=1)), preset("as-nn"))
    assert found.counts == {"coherent": 277, "adhoc": 23, "one-sided": 0, "dead": 0}
    error = ((np.abs(z) - data["Y"].numpy()) ** 2).mean(axis=0)
    assert error[found.kind == "coherent"].mean() == pytest.approx(0.396, abs=5e-4)
    assert error[found.kind == "adhoc"].mean() == pytest.approx(0.541, abs=5e-4)


def test_wrong_preset_is_answered_with_the_close_ones():
    with pytest.raises(
        UsageError, match=r"--preset: found 'asnn'; expected one of as-nn, default; did you mean as-nn\?"
    ):
        preset("asnn")
    assert sorted(PRESETS) == ["as-nn", "default"]


@pytest.mark.parametrize(
    "change", [{"epsilon": 0}, {"epsilon": float("nan")}, {"min_weight": 0}, {"min_weight": 1}, {"one_sided": 0.5}]
)
def test_thresholds_out_of_range_are_refused(fit, change):
    expected = "thresholds.*expected (epsilon > 0, 0 < min weight < 1, one-sided > 0.5|a number from 0 to 1,000,000)"
    with pytest.raises(UsageError, match=expected):
        classify_boundaries(fit, replace(Thresholds(), **change))


def test_a_node_without_a_distance_has_no_component_and_no_p_value():
    """A constant node that is not called dead has no width to measure in: index 0 would name a cluster all the same."""
    z = np.column_stack([np.random.default_rng(0).normal(size=400), np.full(400, 0.3)])
    found = classify_boundaries(fit_gaussians(z), dead=np.zeros(2, bool))
    np.testing.assert_array_equal(found.component, [0, np.nan])
    assert np.isnan([found.distance[1], found.p_value[1]]).all()


def test_the_rule_of_the_mean_names_no_component(fit):
    """It measures to the mean of all rows: 0 would name a component of the mixture."""
    found = classify_boundaries(fit, preset("as-nn"))
    assert np.isnan(found.component).all()
    np.testing.assert_allclose(found.distance[:4], np.abs(fit.mean[:4]))
    assert np.isfinite(found.p_value[:4]).all()


def test_nodes_without_mixture_are_unsampled_unless_dead_or_one_sided():
    """Shares, nulls and p-values are of the drawn nodes: those of a layer that has no others."""
    rng = np.random.default_rng(3)
    z = rng.normal(rng.uniform(-1, 1, 8), 1, (2000, 8))
    z[:, 5], z[:, 6] = 0.3, z[:, 6] + 20
    drawn = np.array([0, 3, 6])
    found = classify_boundaries(fit_gaussians(z, sampled=drawn))
    alone = classify_boundaries(fit_gaussians(z[:, drawn]))
    assert found.kind[[1, 2, 4, 7]].tolist() == ["unsampled"] * 4
    assert found.kind[5] == "dead"
    assert found.kind[drawn].tolist() == alone.kind.tolist()
    assert found.counts["unsampled"] == 4
    assert "unsampled" not in alone.counts
    assert found.classified == alone.classified == 3
    for name in ("share", "share_low", "share_high", "share_p_value", "epsilons"):
        np.testing.assert_allclose(getattr(found, name), getattr(alone, name), rtol=1e-12, err_msg=name)
    for name in ("distance", "p_value", "q_value", "component", "distance_low"):
        np.testing.assert_allclose(getattr(found, name)[drawn], getattr(alone, name), rtol=1e-12, err_msg=name)
    assert np.isnan(found.distance[[1, 5]]).all()
    assert np.isnan(found.component[[1, 5]]).all()
    np.testing.assert_allclose(found.null_share["random point"], alone.null_share["random point"], rtol=1e-12)


def test_the_published_rule_needs_no_mixtures():
    z = np.random.default_rng(0).normal(size=(500, 4))
    some, every = (
        classify_boundaries(fit_gaussians(z, sampled=drawn), preset("as-nn")) for drawn in (np.array([1]), None)
    )
    assert some.kind.tolist() == every.kind.tolist()


def test_the_interval_of_a_light_component_is_as_wide_as_its_own_rows_allow():
    """Two components so far apart that it is known whose row is whose: 800 and 3,200 rows, one sigma away each."""
    rng, light = np.random.default_rng(0), np.arange(4000) < 800
    z = np.where(light[:, None], rng.normal(1, 1, (4000, 8)), rng.normal(13, 1, (4000, 8)))
    for values, rows in ((z, 800), (z - 14, 3200)):
        found = classify_boundaries(fit_gaussians(values, None, GaussianOptions(components=2)))
        half = (found.distance_high - found.distance_low) / 2
        expected = 1.96 * np.sqrt((1 + found.distance**2 / 2) / rows)
        assert found.distance == pytest.approx(1, abs=0.2)
        np.testing.assert_allclose(half, expected, rtol=0.15)  # an error's own relative error is sqrt(k / rows)


@pytest.mark.parametrize("side", [1, -1])
def test_a_node_is_one_sided_whichever_side_its_data_lie_on(side):
    z = side * np.random.default_rng(0).normal(9, 1, (2000, 1))
    fit = fit_gaussians(z, None, GaussianOptions(components=1))
    assert fit.positive_share.tolist() == [side > 0]
    assert classify_boundaries(fit).kind.tolist() == ["one-sided"]


def test_nodes_that_were_not_drawn_have_no_part_in_permuted_biases():
    """Neither as nodes that are counted nor as those whose bias another node is given."""
    rng = np.random.default_rng(3)
    bias, drawn = rng.normal(0, 1, 12), np.array([0, 2, 3, 7, 8, 11])
    bias[np.setdiff1d(np.arange(12), drawn)] += 30
    z = rng.normal(bias, 1, (500, 12))
    some = classify_boundaries(fit_gaussians(z, None, GaussianOptions(components=1), sampled=drawn), bias=bias)
    fit = fit_gaussians(z[:, drawn], None, GaussianOptions(components=1))
    alone = classify_boundaries(fit, bias=bias[drawn])
    for name in ("null_share", "null_low", "null_high"):
        found, expected = (getattr(each, name)["permuted bias"] for each in (some, alone))
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)
    assert alone.null_share["permuted bias"][-1] > 0.5, "biases of the drawn nodes are close to each other"


def test_a_node_is_dead_by_its_loss_under_the_published_rule_alone():
    z = np.random.default_rng(0).normal([0, 3], 1, (500, 2))
    fit, loss = fit_gaussians(z), np.array([1.8, 1.6])
    assert classify_boundaries(fit, preset("as-nn"), loss=loss).kind.tolist() == ["dead", "adhoc"]
    assert classify_boundaries(fit, preset("as-nn")).kind.tolist() == ["coherent", "adhoc"]
    assert "dead" not in classify_boundaries(fit, loss=loss).kind
    with pytest.raises(DataError, match="loss"):
        classify_boundaries(fit, preset("as-nn"), loss=loss[:1])


def test_reliability_out_of_range_is_refused(fit):
    with pytest.raises(UsageError, match="thresholds: found reliability 1; expected from 0 to below 1; change it"):
        classify_boundaries(fit, Thresholds(reliability=1))

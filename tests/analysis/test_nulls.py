"""Every null is what making its layers gives, and its p-values are those of pure chance on them."""

import numpy as np
import pytest
from scipy import stats

from interp.analysis.boundaries import classify_boundaries
from interp.analysis.distributions import Distribution
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.analysis.nulls.clusters import Clusters, chance_within, classes_of, clusters_of
from interp.analysis.nulls.laws import curve_of, pooled_law
from interp.analysis.nulls.nulls import FRESH_BIAS, nodes_of, null_curves, random_point, sign_test
from interp.types import Thresholds

EPSILONS = np.array([0.05, 0.25, 1.0])
RULES = [Thresholds(), Thresholds(rule="mean"), Thresholds(min_weight=0.3)]
PLAIN = GaussianOptions(components=3, crossed=False)
EVERY = np.ones(6, bool)


def planted(rows=4000, nodes=6, seed=0):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 3, rows)
    centres, widths = rng.normal(0, 4, (3, nodes)), rng.uniform(0.5, 2, (3, nodes))
    return rng.normal(centres[cluster], widths[cluster])


@pytest.fixture(scope="module")
def fit():
    return fit_gaussians(planted(), None, PLAIN)


def distances(clusters, shift):
    """Distance of z = `shift` (R, N) to the nearest usable centre, one node and row at a time."""
    found = np.empty(shift.shape)
    for row, node in np.ndindex(shift.shape):
        centre, scale, usable = (part[node] for part in clusters)
        found[row, node] = min(
            abs(c - shift[row, node]) / s for c, s, u in zip(centre, scale, usable, strict=True) if u
        )
    return found


def for_all(epsilons, nodes=6):
    return np.broadcast_to(epsilons, (nodes, len(epsilons)))


# --------------------------------------------------------------------------- chance


@pytest.mark.parametrize("thresholds", RULES)
def test_random_point_is_what_moving_boundaries_through_all_points_gives(fit, thresholds):
    clusters, z = clusters_of(fit, thresholds), planted()
    brute = (distances(clusters, z)[:, :, None] <= EPSILONS).mean(axis=0)
    chance = chance_within(Distribution.of_fit(fit), clusters, for_all(EPSILONS))
    np.testing.assert_allclose(chance, brute, atol=0.01)
    curve = random_point(nodes_of(fit, clusters, EVERY), EPSILONS, np.zeros(3, int))
    np.testing.assert_allclose(curve.share, brute.mean(axis=0), atol=0.005)


def test_range_and_p_values_of_random_points_are_what_drawing_gives(fit):
    clusters, z, rng = clusters_of(fit, Thresholds()), planted(), np.random.default_rng(1)
    drawn = z[rng.integers(0, len(z), (3000, 6)), np.arange(6)]
    hits = (distances(clusters, drawn)[:, :, None] <= EPSILONS).sum(axis=1)
    counts = np.array([1, 2, 5])
    found = random_point(nodes_of(fit, clusters, EVERY), EPSILONS, counts)
    np.testing.assert_allclose(found.p_value, (hits >= counts).mean(axis=0), atol=0.03)
    np.testing.assert_allclose(found.p_below, (hits <= counts).mean(axis=0), atol=0.03)
    within = (hits / 6 >= found.low - 1e-9) & (hits / 6 <= found.high + 1e-9)
    assert (within.mean(axis=0) > 0.94).all()  # the law is discrete: at least 95 %


def test_overlapping_clusters_count_once():
    z = np.random.default_rng(0).normal(size=(5000, 1))
    fit = fit_gaussians(z, None, GaussianOptions(components=1))
    twice = Clusters(np.array([[0.0, 0.1]]), np.ones((1, 2)), np.ones((1, 2), bool))
    chance = chance_within(Distribution.of_fit(fit), twice, np.array([[0.5]]))
    assert chance[0, 0] == pytest.approx(((z > -0.5) & (z < 0.6)).mean(), abs=0.005)


def test_chance_grows_to_one_and_is_zero_at_distance_zero(fit):
    chance = chance_within(Distribution.of_fit(fit), clusters_of(fit, Thresholds()), for_all([0, 0.1, 1, 1e9]))
    assert (chance[:, 0] == 0).all()
    assert (np.diff(chance, axis=1) >= 0).all()
    np.testing.assert_allclose(chance[:, 3], 1, rtol=1e-12)
    assert (chance <= 1).all()


def test_chance_in_pieces_is_that_of_all_nodes_at_once(fit, monkeypatch):
    whole = chance_within(Distribution.of_fit(fit), clusters_of(fit, Thresholds()), for_all(EPSILONS))
    monkeypatch.setattr("interp.analysis.nulls.clusters.PIECE", 10)
    pieces = chance_within(Distribution.of_fit(fit), clusters_of(fit, Thresholds()), for_all(EPSILONS))
    np.testing.assert_array_equal(whole, pieces)


def test_chance_is_the_same_node_by_node_with_numpys_interpolation(fit):
    """The union of intervals on the node's own distribution function, unusable components left out."""
    rng = np.random.default_rng(4)
    clusters = clusters_of(fit, Thresholds(min_weight=0.3))
    distance = rng.uniform(0, 2, (6, 5))
    found = chance_within(Distribution.of_fit(fit), clusters, distance)
    for node in range(6):
        edges = np.linspace(fit.minimum[node], fit.maximum[node], fit.histogram.shape[1] + 1)
        cumulative = np.concatenate([[0], np.cumsum(fit.histogram[node])]) / fit.count
        for column in range(5):
            reached, mass = -np.inf, 0.0
            spans = [
                (c - distance[node, column] * s, c + distance[node, column] * s)
                for c, s, u in zip(*(part[node] for part in clusters), strict=True)
                if u and np.isfinite(s)
            ]
            for low, high in sorted(spans):
                start = max(low, reached)
                if high > start:
                    mass += np.interp(high, edges, cumulative) - np.interp(start, edges, cumulative)
                reached = max(reached, high)
            assert found[node, column] == pytest.approx(mass, abs=1e-12)


def test_a_node_without_width_has_no_chance():
    z = np.stack([np.ones(50), np.random.default_rng(0).normal(size=50)], axis=1)
    fit = fit_gaussians(z, None, GaussianOptions(components=1))
    chance = chance_within(Distribution.of_fit(fit), clusters_of(fit, Thresholds()), np.ones((2, 3)))
    assert (chance[0] == 0).all()


# --------------------------------------------------------------------------- other nulls


@pytest.mark.parametrize("thresholds", RULES)
def test_permuted_biases_are_what_refitted_networks_give(thresholds):
    """Give every node every other node's bias on the data themselves, and classify again."""
    rng = np.random.default_rng(2)
    bias, z = rng.normal(0, 2, 6), planted(seed=3)
    found = classify_boundaries(fit_gaussians(z + bias, None, PLAIN), thresholds, bias=bias)
    brute = []
    for shift in range(6):  # over all cyclic shifts each node gets each bias once
        moved = fit_gaussians(z + np.roll(bias, shift), None, PLAIN)
        brute.append(classify_boundaries(moved, thresholds).distance)
    expected = (np.array(brute)[:, :, None] <= found.epsilons).mean(axis=(0, 1))
    np.testing.assert_allclose(found.null_share["permuted bias"], expected, atol=0.03)
    assert (found.null_low["permuted bias"] <= found.null_share["permuted bias"]).all()
    assert (found.null_high["permuted bias"] >= found.null_share["permuted bias"]).all()
    assert (found.null_p_value["permuted bias"] >= 1 / 1000).all()


def test_biases_that_are_all_the_same_have_no_permutation(fit):
    assert "permuted bias" not in classify_boundaries(fit, bias=np.full(6, 0.3)).null_share


def test_data_mean_is_what_moving_every_boundary_there_gives(fit):
    found = classify_boundaries(fit)
    moved = classify_boundaries(fit_gaussians(planted() - planted().mean(axis=0), None, PLAIN))
    np.testing.assert_allclose(found.null_share["data mean"], moved.share, atol=1e-9)
    np.testing.assert_allclose(moved.null_p_value["data mean"], 1)  # no boundary differs from what it is held against


def test_the_sign_test_is_scipys():
    found = sign_test(np.array([7, 0, 3]), np.array([2, 0, 3]))
    expected = [stats.binomtest(7, 9, alternative="greater").pvalue, 1, stats.binomtest(3, 6, alternative="greater")]
    np.testing.assert_allclose(found, [*expected[:2], expected[2].pvalue])


def test_random_directions_bring_their_own_clusters(fit):
    other = fit_gaussians(planted(seed=8, nodes=20), None, PLAIN)
    found = classify_boundaries(fit, directions=other)
    clusters, epsilons = clusters_of(other, Thresholds()), found.epsilons
    chance = chance_within(Distribution.of_fit(other), clusters, for_all(epsilons, 20))
    np.testing.assert_allclose(found.null_share["random direction"], chance.mean(axis=0))
    distance = np.linspace(-FRESH_BIAS, FRESH_BIAS, 20_001)[:, None] * np.ones(20)
    brute = (distances(clusters, distance[::20])[:, :, None] <= epsilons).mean(axis=(0, 1))
    np.testing.assert_allclose(found.null_share["fresh initialisation"], brute, atol=0.01)
    at_mean, at_origin = (clusters.nearest(at)[:, None] <= epsilons for at in (other.mean, 0.0))
    np.testing.assert_allclose(found.null_share["fresh batch norm"], at_mean.mean(axis=0))
    np.testing.assert_allclose(found.null_share["fresh without bias"], at_origin.mean(axis=0))


@pytest.mark.parametrize(("hits", "of", "own", "nodes"), [(3, 20, 4, 10), (0, 15, 2, 6), (9, 9, 5, 7), (5, 12, 0, 4)])
def test_a_pool_of_yes_and_no_is_fishers_exact_test(hits, of, own, nodes):
    chance = np.concatenate([np.ones((hits, 1)), np.zeros((of - hits, 1))])
    share, counts = chance.mean(axis=0), np.array([own])
    curve = curve_of(share, counts, *(pooled_law(chance, nodes, side) for side in (1, -1)))
    table = [[own, nodes - own], [hits, of - hits]]
    assert curve.p_value[0] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue, abs=1e-6)
    assert curve.p_below[0] == pytest.approx(stats.fisher_exact(table, alternative="less").pvalue, abs=1e-6)


def test_a_pool_without_doubt_is_binomial():
    found = pooled_law(np.full((50, 1), 0.3), 8, 1)[:, 0]
    np.testing.assert_allclose(found, stats.binom.pmf(np.arange(9), 8, 0.3), atol=1e-4)


def test_nulls_repeat_with_the_seed_and_do_not_depend_on_node_order(fit):
    bias = np.arange(6.0)
    one, same, other = (classify_boundaries(fit, bias=bias, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.null_share["permuted bias"], same.null_share["permuted bias"])
    np.testing.assert_array_equal(one.share_low, same.share_low)
    assert (one.null_share["permuted bias"] != other.null_share["permuted bias"]).any()
    np.testing.assert_allclose(one.null_share["permuted bias"], other.null_share["permuted bias"], atol=0.05)


def test_dead_nodes_take_no_part(fit):
    live, bias = np.array([True, True, False, True, False, True]), np.arange(6.0)
    found = null_curves(nodes_of(fit, clusters_of(fit, Thresholds()), live), EPSILONS, bias=bias[live])
    alone = fit_gaussians(planted()[:, live], None, PLAIN)
    expected = null_curves(
        nodes_of(alone, clusters_of(alone, Thresholds()), np.ones(4, bool)), EPSILONS, bias=bias[live]
    )
    for name, curve in expected.items():
        np.testing.assert_allclose(found[name].share, curve.share, rtol=1e-6, err_msg=name)


# --------------------------------------------------------------------------- classes, and what is said


def test_class_means_are_those_of_the_rows_with_enough_of_them():
    z = planted()
    labels = np.random.default_rng(5).integers(0, 3, len(z))
    labels[:5] = 3
    clusters = classes_of(fit_gaussians(z, labels, PLAIN))
    assert clusters.usable.all(axis=0).tolist() == [True, True, True, False]
    rows = labels == 1
    np.testing.assert_allclose(clusters.distances()[:, 1], np.abs(z[rows].mean(axis=0)) / z[rows].std(axis=0))
    assert np.isinf(clusters.distances()[:, 3]).all()


def test_shares_of_classes_stand_beside_their_own_nulls(fit):
    z, labels = planted(), np.random.default_rng(0).integers(0, 3, 4000)
    pool = fit_gaussians(planted(nodes=20, seed=8), labels, PLAIN)
    found = classify_boundaries(fit_gaussians(z, labels, PLAIN), bias=np.arange(6.0), directions=pool)
    assert found.by_class.null_share.keys() == found.null_share.keys()
    expected = [np.mean(found.by_class.distance <= epsilon) for epsilon in found.epsilons]
    np.testing.assert_allclose(found.by_class.share, expected)
    assert classify_boundaries(fit).by_class is None


def test_the_p_value_of_a_share_is_the_largest_of_all_nulls(fit):
    pool = fit_gaussians(planted(nodes=20, seed=8), None, PLAIN)
    found = classify_boundaries(fit, bias=np.arange(6.0), directions=pool)
    assert len(found.null_p_value) == 7
    np.testing.assert_array_equal(found.share_p_value, np.max(list(found.null_p_value.values()), axis=0))


def test_p_values_reject_as_often_as_they_say_on_layers_of_their_own_null():
    """300 layers through random points; ties broken at random make the p-value uniform."""
    z, rng = planted(nodes=40), np.random.default_rng(7)
    fit = fit_gaussians(z, None, PLAIN)
    own = nodes_of(fit, clusters_of(fit, Thresholds()), np.ones(40, bool))
    chance = chance_within(own.values, own.clusters, for_all([0.25], 40))
    found = []
    for _ in range(300):
        count = np.array([(rng.random(40) < chance[:, 0]).sum()])
        curve = random_point(own, np.array([0.25]), count)
        tie = curve.p_value[0] + curve.p_below[0] - 1
        found.append(curve.p_value[0] - rng.random() * tie)
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_the_range_of_random_points_is_the_central_95_percent_of_a_binomial_law():
    """Of 400 nodes of one law the number at the boundary is binomial; 90 % would be 2.5 nodes off at either end."""
    nodes = 400
    z = np.random.default_rng(0).normal(size=(800, nodes))
    found = classify_boundaries(fit_gaussians(z, None, GaussianOptions(components=1, bins=64)))
    share = found.null_share["random point"]
    known = (share > 0.2) & (share < 0.8)
    assert known.sum() > 3
    for name, edge in (("null_low", 0.025), ("null_high", 0.975)):
        end = getattr(found, name)["random point"][known] * nodes
        np.testing.assert_allclose(end, stats.binom.ppf(edge, nodes, share[known]), atol=1.01, err_msg=name)


def test_the_range_of_permuted_biases_is_the_central_95_percent_of_a_hypergeometric_law():
    """Each boundary is at its node's mean, and stays there with a bias like its own: there are two, 9 apart.

    The ends of one range are those of some hundred permutations, so they are averaged over seeds.
    """
    nodes, rule = 400, Thresholds(rule="mean")
    fit = fit_gaussians(np.random.default_rng(0).normal(size=(64, nodes)), None, GaussianOptions(components=1))
    bias = np.where(np.arange(nodes) < nodes // 2, 0.0, 9.0)
    ends = []
    for seed in range(4):
        found = classify_boundaries(fit, rule, bias=bias, seed=seed)
        at = found.epsilons.searchsorted(2)  # no mean of 64 rows is so far from 0
        ends.append([found.null_low["permuted bias"][at], found.null_high["permuted bias"][at]])
    same = stats.hypergeom(nodes, nodes // 2, nodes // 2)  # nodes of the first half that get a bias of it
    for end, edge, wrong in zip(np.mean(ends, axis=0) * nodes, (0.025, 0.975), (0.05, 0.95), strict=True):
        expected, other = 2 * same.ppf(edge), 2 * same.ppf(wrong)
        assert abs(expected - other) >= 4
        assert abs(end - expected) < 1.9

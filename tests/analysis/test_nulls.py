import numpy as np
import pytest
from scipy import stats

from interp.analysis.boundaries import classify_boundaries
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.analysis.nulls import Clusters, chance_curves, chance_within, clusters_of, random_points, share_p_values
from interp.types import Thresholds

EPSILONS = np.array([0.05, 0.25, 1.0])
RULES = [Thresholds(), Thresholds(rule="mean"), Thresholds(min_weight=0.3)]


def planted(rows=4000, nodes=6, seed=0):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 3, rows)
    centres, widths = rng.normal(0, 4, (3, nodes)), rng.uniform(0.5, 2, (3, nodes))
    return rng.normal(centres[cluster], widths[cluster])


@pytest.fixture(scope="module")
def fit():
    return fit_gaussians(planted(), None, GaussianOptions(components=3))


def distances(places, shift):
    """Distance of z = `shift` (R, N) to the nearest usable centre, one node and row at a time."""
    found = np.empty(shift.shape)
    for row, node in np.ndindex(shift.shape):
        centre, scale, usable = (part[node] for part in places)
        found[row, node] = min(
            abs(c - shift[row, node]) / s for c, s, u in zip(centre, scale, usable, strict=True) if u
        )
    return found


@pytest.mark.parametrize("thresholds", RULES)
def test_random_point_is_what_moving_boundaries_through_all_points_gives(fit, thresholds):
    places, z = clusters_of(fit, thresholds), planted()
    brute = (distances(places, z)[:, :, None] <= EPSILONS).mean(axis=0)
    chance = chance_within(fit, places, np.broadcast_to(EPSILONS, brute.shape))
    np.testing.assert_allclose(chance, brute, atol=0.01)
    live = np.ones(6, bool)
    points = random_points(fit, places, live, EPSILONS)
    curve = chance_curves(points, places, live, EPSILONS, bias=None, directions=None, thresholds=thresholds, seed=0)[
        "random point"
    ]
    np.testing.assert_allclose(curve.share, brute.mean(axis=0), atol=0.005)


def test_range_of_random_points_is_what_drawing_gives(fit):
    places, z, rng = clusters_of(fit, Thresholds()), planted(), np.random.default_rng(1)
    drawn = z[rng.integers(0, len(z), (3000, 6)), np.arange(6)]
    hits = (distances(places, drawn)[:, :, None] <= EPSILONS).sum(axis=1)
    live = np.ones(6, bool)
    counts = np.array([1, 2, 5])
    points = random_points(fit, places, live, EPSILONS)
    tails = share_p_values(points, counts)
    np.testing.assert_allclose(tails, (hits >= counts).mean(axis=0), atol=0.03)
    curve = chance_curves(points, places, live, EPSILONS, bias=None, directions=None, thresholds=Thresholds(), seed=0)
    found = curve["random point"]
    within = (hits / 6 >= found.low - 1e-9) & (hits / 6 <= found.high + 1e-9)
    assert (within.mean(axis=0) > 0.94).all()  # the law is discrete: at least 95 %


def test_overlapping_clusters_count_once():
    z = np.random.default_rng(0).normal(size=(5000, 1))
    fit = fit_gaussians(z, None, GaussianOptions(components=1))
    twice = Clusters(np.array([[0.0, 0.1]]), np.ones((1, 2)), np.ones((1, 2), bool))
    chance = chance_within(fit, twice, np.array([[0.5]]))
    assert chance[0, 0] == pytest.approx(((z > -0.5) & (z < 0.6)).mean(), abs=0.005)


def test_chance_grows_to_one_and_is_zero_at_distance_zero(fit):
    places = clusters_of(fit, Thresholds())
    chance = chance_within(fit, places, np.broadcast_to([0, 0.1, 1, 1e9], (6, 4)))
    assert (chance[:, 0] == 0).all()
    assert (np.diff(chance, axis=1) >= 0).all()
    np.testing.assert_allclose(chance[:, 3], 1, rtol=1e-12)


@pytest.mark.parametrize("thresholds", RULES)
def test_permuted_biases_are_what_refitted_networks_give(thresholds):
    """Give every node every other node's bias on the data themselves, and classify again."""
    rng = np.random.default_rng(2)
    bias, z = rng.normal(0, 2, 6), planted(seed=3)
    fit = fit_gaussians(z + bias, None, GaussianOptions(components=3))
    found = classify_boundaries(fit, thresholds, bias=bias)
    brute = []
    for shift in range(6):  # over all cyclic shifts each node gets each bias once
        moved = fit_gaussians(z + np.roll(bias, shift), None, GaussianOptions(components=3))
        brute.append(classify_boundaries(moved, thresholds).distance)
    expected = (np.array(brute)[:, :, None] <= found.epsilons).mean(axis=(0, 1))
    np.testing.assert_allclose(found.null_share["permuted bias"], expected, atol=0.03)
    assert (found.null_low["permuted bias"] <= found.null_share["permuted bias"]).all()
    assert (found.null_high["permuted bias"] >= found.null_share["permuted bias"]).all()


def test_random_directions_bring_their_own_clusters(fit):
    other = fit_gaussians(planted(seed=8, nodes=20), None, GaussianOptions(components=3))
    found = classify_boundaries(fit, directions=other)
    places = clusters_of(other, Thresholds())
    chance = chance_within(other, places, np.broadcast_to(found.epsilons, (20, len(found.epsilons))))
    np.testing.assert_allclose(found.null_share["random direction"], chance.mean(axis=0))


def test_nulls_repeat_with_the_seed_and_do_not_depend_on_node_order(fit):
    bias = np.arange(6.0)
    one, same, other = (classify_boundaries(fit, bias=bias, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.null_share["permuted bias"], same.null_share["permuted bias"])
    np.testing.assert_array_equal(one.share_low, same.share_low)
    assert (one.null_share["permuted bias"] != other.null_share["permuted bias"]).any()
    np.testing.assert_allclose(one.null_share["permuted bias"], other.null_share["permuted bias"], atol=0.05)


def test_dead_nodes_take_no_part(fit):
    places, live = clusters_of(fit, Thresholds()), np.array([True, True, False, True, False, True])
    points = random_points(fit, places, live, EPSILONS)
    curves = chance_curves(
        points, places, live, EPSILONS, bias=np.arange(6.0), directions=None, thresholds=Thresholds(), seed=0
    )
    alone = fit_gaussians(planted()[:, live], None, GaussianOptions(components=3))
    places = clusters_of(alone, Thresholds())
    expected = chance_curves(
        random_points(alone, places, np.ones(4, bool), EPSILONS),
        places,
        np.ones(4, bool),
        EPSILONS,
        bias=np.arange(6.0)[live],
        directions=None,
        thresholds=Thresholds(),
        seed=0,
    )
    for name, curve in expected.items():
        np.testing.assert_allclose(curves[name].share, curve.share, rtol=1e-6, err_msg=name)


def test_chance_is_the_same_node_by_node_with_numpys_interpolation(fit):
    """The union of intervals on the node's own distribution function, unusable components left out."""
    rng = np.random.default_rng(4)
    places = clusters_of(fit, Thresholds(min_weight=0.3))
    distance = rng.uniform(0, 2, (6, 5))
    found = chance_within(fit, places, distance)
    for node in range(6):
        edges = np.linspace(fit.minimum[node], fit.maximum[node], fit.histogram.shape[1] + 1)
        cumulative = np.concatenate([[0], np.cumsum(fit.histogram[node])]) / fit.count
        for column in range(5):
            reached, mass = -np.inf, 0.0
            spans = [
                (c - distance[node, column] * s, c + distance[node, column] * s)
                for c, s, u in zip(*(part[node] for part in places), strict=True)
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
    assert (chance_within(fit, clusters_of(fit, Thresholds()), np.ones((2, 3)))[0] == 0).all()


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

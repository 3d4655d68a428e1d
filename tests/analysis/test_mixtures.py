import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from interp.analysis import mixtures, threads
from interp.analysis.mixtures import best_mixtures, bin_values, fit_mixture, mixture_cdf, quantile_start, split_start

TWO = [(0.3, -4.0, 0.5), (0.7, 3.0, 1.5)]
THREE = [(0.2, -8.0, 1.0), (0.3, 0.0, 0.5), (0.5, 6.0, 2.0)]


def draw(parts, rows=6000, seed=0):
    """Draw from (weight, mean, sd) with exactly weight * rows rows of each."""
    rng = np.random.default_rng(seed)
    z = np.concatenate([rng.normal(mean, sd, round(weight * rows)) for weight, mean, sd in parts])
    return rng.permutation(z)[:, None]


def binned(z, bins=512):
    return bin_values([z], z.mean(axis=0), z.std(axis=0), z.min(axis=0), z.max(axis=0), bins)


def sklearn_fit(z, k):
    return GaussianMixture(k, n_init=2, random_state=0, tol=1e-9, max_iter=500, reg_covar=0).fit(z)


@pytest.mark.parametrize(("parts", "k"), [(TWO, 2), (THREE, 3)])
def test_planted_mixtures_are_fitted_as_scikit_learn_does(parts, k):
    z = draw(parts)
    u = (z - z.mean()) / z.std()
    theirs = sklearn_fit(u, k)
    order = theirs.means_[:, 0].argsort()
    mixture, components, bic = best_mixtures(binned(z), 5)
    assert components.tolist() == [k]
    np.testing.assert_allclose(mixture.weight[0, :k], theirs.weights_[order], atol=2e-3)
    np.testing.assert_allclose(mixture.mean[0, :k], theirs.means_[order, 0], atol=2e-3)
    np.testing.assert_allclose(mixture.var[0, :k], theirs.covariances_[order, 0, 0], rtol=0.02)
    assert bic[0, k - 1] == pytest.approx(theirs.bic(u), abs=5)
    assert np.isnan(mixture.mean[0, k:]).all()
    assert (mixture.weight[0, k:] == 0).all()
    np.testing.assert_allclose(mixture.weight.sum(axis=1), 1, rtol=1e-12)


def test_one_component_is_the_closed_form():
    z = np.random.default_rng(0).exponential(1, (1000, 1))
    mixture, _, bic = best_mixtures(binned(z), 1)
    np.testing.assert_allclose([mixture.mean[0, 0], mixture.var[0, 0]], [0, 1], atol=1e-12)
    assert bic[0, 0] == pytest.approx(1000 * (np.log(2 * np.pi) + 1) + 2 * np.log(1000), rel=1e-12)


def test_binned_likelihood_is_a_lower_bound_that_bins_make_tight():
    """Taken at bin means alone, the likelihood is too high where a heavy tail makes bins wide."""
    z = np.random.default_rng(0).standard_t(2.2, (5000, 1))
    u = (z - z.mean()) / z.std()
    gaps = []
    for bins in (64, 512, 8192):
        data = binned(z, bins)
        found = fit_mixture(data, quantile_start(data, 3))
        exact = GaussianMixture(3, weights_init=found.weight[0], means_init=found.mean[0, :, None])
        exact.weights_, exact.means_ = found.weight[0], found.mean[0, :, None]
        exact.covariances_ = found.var[0, :, None, None]
        exact.precisions_cholesky_ = 1 / np.sqrt(exact.covariances_)
        gaps.append(exact.score(u) * len(u) - found.loglik[0])
    assert np.all(np.array(gaps) > -1e-3)  # the mixture is one step ahead of its likelihood
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.5


def test_one_outlier_does_not_split_the_bulk():
    z = np.random.default_rng(0).normal(size=(5000, 1))
    z[0] = 300
    mixture, components, bic = best_mixtures(binned(z), 5)
    assert components.tolist() == [2]
    np.testing.assert_allclose(mixture.weight[0, :2], [0.9998, 0.0002], rtol=1e-6)
    assert (np.diff(bic[0, 1:]) > 0).all()


def test_bic_seldom_sees_two_gaussians_where_there_is_one():
    z = np.random.default_rng(1).normal(size=(2000, 64))
    _, components, bic = best_mixtures(binned(z), 3)
    assert (components == 1).mean() >= 0.95
    np.testing.assert_array_equal(components, bic.argmin(axis=1) + 1)


def test_em_never_loses_likelihood():
    data = binned(draw(THREE))
    values = [fit_mixture(data, quantile_start(data, 3), steps).loglik[0] for steps in range(1, 40)]
    assert (np.diff(values) > -1e-9).all()


@pytest.mark.parametrize("cells", [1, 3 * 512, 10**6])
def test_nodes_are_fitted_apart_whatever_the_block(monkeypatch, cells):
    z = np.concatenate([draw(TWO), draw(THREE), draw([(1, 2, 1)]), draw(TWO, seed=1), draw(THREE, seed=2)], axis=1)
    whole = best_mixtures(binned(z), 3)
    monkeypatch.setattr(mixtures, "CELLS_A_BLOCK", cells)
    parts = best_mixtures(binned(z), 3)
    for name in ("weight", "mean", "var", "loglik"):
        np.testing.assert_allclose(getattr(parts[0], name), getattr(whole[0], name), rtol=1e-9, err_msg=name)
    np.testing.assert_array_equal(parts[1], whole[1])
    np.testing.assert_allclose(parts[2], whole[2], rtol=1e-10)


def test_the_number_of_threads_changes_no_bit(monkeypatch):
    z = np.concatenate([draw(TWO, 1000, seed) for seed in range(40)], axis=1)
    monkeypatch.setattr(threads, "processors", lambda: 3)
    many = best_mixtures(binned(z), 3)
    monkeypatch.setattr(threads, "processors", lambda: 1)
    one = best_mixtures(binned(z), 3)
    np.testing.assert_array_equal(many[0].mean, one[0].mean)
    np.testing.assert_array_equal(many[2], one[2])


def test_node_order_permutes_the_result():
    z = np.concatenate([draw(TWO), draw(THREE), draw([(1, 2, 1)])], axis=1)
    order = [2, 0, 1]
    there, back = best_mixtures(binned(z), 3), best_mixtures(binned(z[:, order]), 3)
    np.testing.assert_allclose(back[0].mean, there[0].mean[order], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(back[1], there[1][order])


def test_bins_keep_counts_sums_and_squares_whatever_the_blocks():
    z = np.random.default_rng(0).normal(5, 3, (1000, 2)).astype(np.float32)
    mean, sd = z.mean(axis=0, dtype=np.float64), z.std(axis=0, dtype=np.float64)
    one = bin_values([z], mean, sd, z.min(axis=0), z.max(axis=0), 20)
    many = bin_values(np.array_split(z, 9), mean, sd, z.min(axis=0), z.max(axis=0), 20)
    u = (z - mean) / sd
    for node in range(2):
        assert one.count[node].tolist() == np.histogram(z[:, node].astype(float), 20)[0].tolist()
    np.testing.assert_allclose(one.total.sum(axis=1), u.sum(axis=0), atol=1e-9)
    np.testing.assert_allclose(one.squares.sum(axis=1), (u**2).sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(one.count, many.count)
    np.testing.assert_allclose(one.squares, many.squares, rtol=1e-12)
    within = one.squares - one.count * one.centre**2  # what the mean of each bin leaves out
    np.testing.assert_allclose(one.spread * one.count, within, atol=1e-9)


def test_splitting_the_widest_component_keeps_weight_and_mean():
    data = binned(draw(TWO))
    two = fit_mixture(data, quantile_start(data, 2))
    three = split_start(two)
    assert three.weight.shape == (1, 3)
    np.testing.assert_allclose(three.weight.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose((three.weight * three.mean).sum(), (two.weight * two.mean).sum(), atol=1e-12)


def test_distribution_function_is_the_weighted_sum():
    values = np.linspace(-9, 9, 50)[None]
    weight, mean, var = (
        np.array([[*column, filler]])
        for column, filler in zip(zip(*TWO, strict=True), (0, np.nan, np.nan), strict=True)
    )
    expected = sum(w * stats.norm.cdf(values[0], m, np.sqrt(v)) for w, m, v in TWO)
    np.testing.assert_allclose(mixture_cdf(values, weight, mean, var)[0], expected, rtol=1e-12)


def test_narrow_components_keep_their_width():
    """Far apart, both have the moments of their own rows, though their variances are 1/10,000 and 1/2,500 of z's."""
    rng = np.random.default_rng(0)
    parts = rng.normal(-1, 0.01, 2000), rng.normal(1, 0.02, 2000)
    z = np.concatenate(parts)[:, None]
    mixture, components, _ = best_mixtures(binned(z), 2)
    assert components.tolist() == [2]
    np.testing.assert_allclose(mixture.var[0], [part.var() / z.var() for part in parts], rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_em_stops_only_where_nothing_is_left_to_gain(seed):
    """Overlapping components converge slowly: at a gain of 1e-4 nats a row some five nats are still to come."""
    z = draw([(0.3, 0, 1), (0.7, 2.5, 1)], 4000, seed)
    data = binned(z)
    found, components, _ = best_mixtures(data, 2)
    assert components.tolist() == [2]
    on = fit_mixture(data, found, iterations=1000, tolerance=0)
    assert 0 <= on.loglik[0] - found.loglik[0] < 0.1
    np.testing.assert_allclose(found.weight, on.weight, atol=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_the_start_that_ends_better_is_kept_though_it_begins_worse(seed):
    """Of three clusters two components join two: one start ends at the wrong pair, hundreds of nats below."""
    data = binned(draw([(0.3, -9, 1), (0.6, 0, 1), (0.1, 10, 1)], 2000, seed))
    found = best_mixtures(data, 2)[2][0, 1]
    first = fit_mixture(data, quantile_start(data, 1), iterations=2)
    ends = [fit_mixture(data, start, 1000).loglik[0] for start in (quantile_start(data, 2), split_start(first))]
    assert abs(ends[0] - ends[1]) > 100
    assert found == pytest.approx(-2 * max(ends) + 5 * np.log(2000), abs=0.1)

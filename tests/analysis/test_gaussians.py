import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from interp.analysis.components.values import blocks_of
from interp.analysis.gaussians import GaussianOptions, fit_gaussians
from interp.analysis.mixtures import mixture_cdf
from interp.errors import DataError
from interp.types import GaussianFit


def planted(rows=4000, seed=0):
    """One Gaussian, two apart, a skewed one, a constant."""
    rng = np.random.default_rng(seed)
    two = np.where(rng.random(rows) < 0.4, rng.normal(-10, 1, rows), rng.normal(20, 3, rows))
    return np.stack([rng.normal(5, 2, rows), two, rng.exponential(1, rows), np.full(rows, 0.1)], axis=1)


@pytest.fixture(scope="module")
def fit():
    return fit_gaussians(planted())


def test_single_gaussian_is_numpy_and_scipy(fit):
    z = planted()
    np.testing.assert_allclose(fit.mean, z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.var[:3], z.var(axis=0)[:3], rtol=1e-12)
    np.testing.assert_allclose(fit.skewness[:3], stats.skew(z[:, :3]), rtol=1e-9)
    np.testing.assert_allclose(fit.kurtosis[:3], stats.kurtosis(z[:, :3]), rtol=1e-9)
    np.testing.assert_array_equal(fit.positive_share, (z > 0).mean(axis=0))
    assert fit.count == 4000


def test_planted_components_are_found_in_the_nodes_own_units(fit):
    assert fit.components[:2].tolist() == [1, 2]
    np.testing.assert_allclose(fit.weight[1, :2], [0.4, 0.6], atol=0.03)
    np.testing.assert_allclose(fit.component_mean[1, :2], [-10, 20], atol=0.2)
    np.testing.assert_allclose(np.sqrt(fit.component_var[1, :2]), [1, 3], rtol=0.05)
    np.testing.assert_allclose(fit.component_mean[0, 0], fit.mean[0], rtol=1e-9)


@pytest.mark.parametrize(("node", "k", "tolerance"), [(0, 1, 1e-6), (1, 2, 1.0)])
def test_bic_is_scikit_learns_in_units_of_z(fit, node, k, tolerance):
    z = planted()[:, [node]]
    theirs = GaussianMixture(k, random_state=0, tol=1e-9, reg_covar=0, n_init=2).fit(z)
    assert fit.bic[node, k - 1] == pytest.approx(theirs.bic(z), abs=tolerance)


def test_ks_distance_is_scipys_within_one_bins_mass(fit):
    z = planted()
    mass = fit.histogram.max(axis=1) / fit.count
    for node in range(3):
        exact = stats.kstest(z[:, node], "norm", (fit.mean[node], np.sqrt(fit.var[node]))).statistic
        assert abs(fit.ks[node] - exact) <= mass[node] + 1 / fit.count
        one = (part[node : node + 1] for part in (fit.weight, fit.component_mean, fit.component_var))
        weight, mean, var = one
        law = lambda x, w=weight, m=mean, v=var: mixture_cdf(np.atleast_1d(x)[None], w, m, v)[0]  # noqa: E731
        assert abs(fit.ks_mixture[node] - stats.kstest(z[:, node], law).statistic) <= mass[node] + 1 / fit.count
    assert fit.ks[1] > 0.2 > 0.05 > fit.ks_mixture[1]


def test_a_constant_node_is_one_component_of_no_width(fit):
    assert fit.var[3] == 0
    assert fit.components[3] == 1
    assert fit.weight[3].tolist() == [1, 0, 0, 0, 0]
    assert fit.component_mean[3, 0] == fit.mean[3]
    assert fit.component_var[3, 0] == 0
    assert fit.ks[3] == fit.ks_mixture[3] == 0


def test_classes_are_fitted_apart_and_missing_ones_are_nan():
    z, rng = planted(), np.random.default_rng(3)
    labels = rng.choice([0, 1, 3], len(z))
    fit = fit_gaussians(z, labels, GaussianOptions(components=1))
    assert fit.class_count.tolist() == [(labels == c).sum() for c in range(4)]
    for c in (0, 1, 3):
        np.testing.assert_allclose(fit.class_mean[c], z[labels == c].mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(fit.class_var[c], z[labels == c].var(axis=0), rtol=1e-11, atol=1e-20)
    assert np.isnan(fit.class_mean[2]).all()
    assert fit_gaussians(z, None, GaussianOptions(components=1)).class_mean.shape == (0, 4)


def test_shift_and_scale_of_z_move_the_fit_as_they_must(fit):
    scale, shift = np.array([2.0, 0.01, 30.0, 5.0]), np.array([-100.0, 3.0, 0.5, 1.0])
    moved = fit_gaussians(planted() * scale + shift)
    np.testing.assert_array_equal(moved.components, fit.components)
    np.testing.assert_allclose(moved.weight[:3], fit.weight[:3], atol=1e-4)
    np.testing.assert_allclose(
        moved.component_mean[:3], (fit.component_mean * scale[:, None] + shift[:, None])[:3], rtol=1e-3
    )
    np.testing.assert_allclose(
        moved.component_var[:3], (fit.component_var * scale[:, None] ** 2)[:3], rtol=1e-2, atol=1e-12
    )
    units = 2 * fit.count * np.log(scale)[:, None]  # densities shrink as z grows
    np.testing.assert_allclose(moved.bic[:3], (fit.bic + units)[:3], atol=2)
    np.testing.assert_allclose(moved.ks, fit.ks, atol=1e-3)


def test_node_order_permutes_the_fit(fit):
    order = [3, 1, 0, 2]
    moved = fit_gaussians(planted()[:, order])
    for name in ("mean", "var", "skewness", "weight", "component_mean", "component_var", "bic", "ks", "histogram"):
        np.testing.assert_allclose(getattr(moved, name), getattr(fit, name)[order], rtol=1e-9, err_msg=name)


def test_row_order_and_blocks_do_not_matter(fit, monkeypatch):
    assert [len(block) for block in blocks_of(planted(), 1500)] == [1500, 1500, 1000]
    monkeypatch.setattr("interp.analysis.components.values.blocks_of", lambda z: blocks_of(z, 77))
    order = np.random.default_rng(0).permutation(4000)
    moved = fit_gaussians(planted()[order], row_sample=order)
    for name in {*GaussianFit.__dataclass_fields__} - {"sampled"}:
        np.testing.assert_allclose(
            getattr(moved, name), getattr(fit, name), rtol=1e-6, atol=1e-9, equal_nan=True, err_msg=name
        )


def test_histogram_counts_every_row_between_its_edges(fit):
    z = planted()
    assert (fit.histogram.sum(axis=1) == fit.count).all()
    edges = np.linspace(fit.minimum[0], fit.maximum[0], fit.histogram.shape[1] + 1)
    np.testing.assert_allclose(edges[[0, -1]], [z[:, 0].min(), z[:, 0].max()])
    assert abs(fit.histogram[0] - np.histogram(z[:, 0], edges)[0]).sum() <= 2  # rounding at an edge


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_by_node(value):
    z = planted()
    z[7, [1, 2]] = value
    with pytest.raises(DataError, match=r"nodes 1, 2: found NaN or infinite pre-activations in 2 of 4 nodes"):
        fit_gaussians(z)


def test_mixtures_of_drawn_nodes_are_those_of_all_and_the_others_have_one_component(fit):
    some = fit_gaussians(planted(), sampled=np.array([1, 3]))
    assert some.nodes.tolist() == [1, 3]
    assert fit.nodes.tolist() == [0, 1, 2, 3]
    for name in {*GaussianFit.__dataclass_fields__} - {"sampled", "count", "class_count", "class_mean", "class_var"}:
        found, expected = (
            part.swapaxes(0, 1) if name.startswith("crossed") else part
            for part in (getattr(some, name), getattr(fit, name))
        )
        np.testing.assert_array_equal(found[[1, 3]], expected[[1, 3]], err_msg=name)
    assert some.components[[0, 2]].tolist() == [1, 1]
    np.testing.assert_allclose(some.component_mean[[0, 2], 0], fit.mean[[0, 2]], rtol=1e-12)
    np.testing.assert_allclose(some.component_var[[0, 2], 0], fit.var[[0, 2]], rtol=1e-9)
    np.testing.assert_allclose(some.bic[[0, 2], 0], fit.bic[[0, 2], 0], rtol=1e-12)
    assert np.isnan(some.bic[[0, 2], 1:]).all()
    np.testing.assert_array_equal(some.var, fit.var)


def test_a_fit_of_some_nodes_alone():
    labels = np.arange(4000) % 3
    whole, part = fit_gaussians(planted(), labels), fit_gaussians(planted()[:, [1, 2]], labels)
    for name in {*GaussianFit.__dataclass_fields__} - {"sampled"}:
        np.testing.assert_allclose(
            getattr(whole.of(np.array([1, 2])), name), getattr(part, name), rtol=1e-9, equal_nan=True, err_msg=name
        )


def test_a_value_of_exactly_zero_is_not_positive():
    """Nor is a node that is never above 0 but often at it, such as a sum of rectified values, one that lies above."""
    z = np.repeat([[-1.0, 0.0], [0.0, 0.0], [-0.0, -2.0], [2.0, 0.0]], 10, axis=0)
    assert fit_gaussians(z, None, GaussianOptions(components=1)).positive_share.tolist() == [0.25, 0]

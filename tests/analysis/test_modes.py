"""One cluster is one component, whatever its shape and however many rows there are."""

import numpy as np
import pytest

from interp.analysis.components.modes import Components, merge_without_valley
from interp.analysis.distributions import Distribution
from interp.analysis.gaussians import GaussianOptions, fit_gaussians

QUICK = GaussianOptions(bins=128, crossed=False)
ONE = {
    "t5": lambda rng, shape: rng.standard_t(5, shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "exponential": lambda rng, shape: rng.exponential(1, shape),
    "gaussian": lambda rng, shape: rng.normal(size=shape),
}


def apart(sigma, shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + sigma * (rng.random(shape) < 0.5)


@pytest.mark.parametrize("rows", [500, 20_000])
@pytest.mark.parametrize("shape", ONE)
def test_one_cluster_is_one_component_at_any_number_of_rows(shape, rows):
    fit = fit_gaussians(ONE[shape](np.random.default_rng(3), (rows, 16)), None, QUICK)
    assert fit.components.mean() <= 1.1
    merged = fit.components == 1  # then its moments are those of all rows
    np.testing.assert_allclose(fit.component_mean[merged, 0], fit.mean[merged], atol=1e-6)
    np.testing.assert_allclose(fit.component_var[merged, 0], fit.var[merged], rtol=1e-3)


@pytest.mark.parametrize(("sigma", "rows", "least"), [(3, 20_000, 1.9), (4, 2000, 1.9), (8, 300, 1.9)])
def test_two_clusters_stay_two(sigma, rows, least):
    assert least <= fit_gaussians(apart(sigma, (rows, 16)), None, QUICK).components.mean() <= 2.1


def test_two_gaussians_at_two_sigma_have_one_mode_and_are_one_component():
    assert (fit_gaussians(apart(2, (20_000, 16)), None, QUICK).components == 1).all()


def test_heavy_tailed_clusters_far_apart_are_as_many_as_there_are():
    rng = np.random.default_rng(0)
    z = rng.standard_t(3, (4000, 8)) + 12 * rng.integers(0, 3, (4000, 1))
    assert (fit_gaussians(z, None, QUICK).components == 3).all()


def test_merging_keeps_weight_mean_and_variance_of_the_whole():
    rng = np.random.default_rng(1)
    weight = rng.dirichlet(np.ones(4), 5)
    found = Components(weight, np.sort(rng.random((5, 4)), axis=1), rng.uniform(0.01, 0.1, (5, 4)))
    flat = Distribution.of(np.zeros(5), np.ones(5), np.full((5, 64), 50))
    merged = merge_without_valley(found, flat)
    mean = (found.weight * found.mean).sum(axis=1)
    var = (found.weight * (found.var + found.mean**2)).sum(axis=1) - mean**2
    assert (merged.number == 1).all()
    np.testing.assert_allclose(merged.weight[:, 0], 1)
    np.testing.assert_allclose(merged.mean[:, 0], mean)
    np.testing.assert_allclose(merged.var[:, 0], var)
    assert np.isnan(merged.mean[:, 1:]).all()

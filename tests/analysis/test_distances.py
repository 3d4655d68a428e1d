"""Intervals of distances to components cover, overlapping ones too, and are left out where they do not."""

import numpy as np
import pytest

from interp.analysis.distances import distance_interval, known_distances
from interp.analysis.gaussians import GaussianOptions, fit_gaussians


def two(rows, separation, weight, displaced, nodes, seed=0):
    """Nodes of two unit Gaussians: one at `displaced`, with this weight, the other so many sigma above."""
    rng = np.random.default_rng(seed)
    low = rng.random((rows, nodes)) < weight
    return rng.normal(size=(rows, nodes)) + np.where(low, 0, separation) + displaced


def lowest(fit):
    component = np.where(fit.weight > 0, fit.component_mean, np.inf).argmin(1)
    at = np.arange(len(component)), component
    return np.abs(fit.component_mean[at]) / np.sqrt(fit.component_var[at]), component


@pytest.mark.parametrize(("separation", "rows"), [(3, 2000), (4, 2000)])
@pytest.mark.parametrize("displaced", [0.0, 0.5])
def test_overlapping_components_are_covered(separation, rows, displaced):
    fit = fit_gaussians(two(rows, separation, 0.5, displaced, 200), None, GaussianOptions(components=2, bins=128))
    distance, component = lowest(fit)
    low, high = distance_interval(distance, component, fit)
    shown = np.isfinite(low) & (fit.components == 2)
    assert shown.mean() > 0.6
    covered = ((low <= displaced) & (displaced <= high))[shown].mean()
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / shown.sum())
    naive = 1.96 * np.sqrt((1 + distance**2 / 2) / (rows / 2))  # as if it were known whose value is whose
    if separation == 3:
        assert (np.abs(distance - displaced) <= naive)[shown].mean() < 0.9, "overlap is what makes the difference"


def test_components_that_cannot_be_told_apart_have_no_interval():
    fit = fit_gaussians(two(500, 1.5, 0.3, 0, 60), None, GaussianOptions(components=2, bins=64))
    distance, component = lowest(fit)
    low, _ = distance_interval(distance, component, fit)
    assert np.isnan(low[fit.components == 2]).all()
    few = fit_gaussians(two(60, 0, 1, 0.5, 10), None, GaussianOptions(components=1))
    assert np.isnan(distance_interval(*lowest(few), few)[0]).all()


@pytest.mark.parametrize("separation", [3, 4])
def test_the_standard_error_is_what_drawing_gives(separation):
    fit = fit_gaussians(two(4000, separation, 0.5, 0.5, 200), None, GaussianOptions(components=2, bins=128))
    distance, component = lowest(fit)
    error, two_seen = known_distances(fit).error[np.arange(200), component], fit.components == 2
    assert two_seen.mean() > 0.9
    assert np.nanmedian(error[two_seen]) == pytest.approx(distance[two_seen].std(), rel=0.2)


def test_one_component_has_the_textbook_s_error_and_skewed_values_their_own():
    z = np.random.default_rng(0).normal(2, 1, (4000, 30))
    known = known_distances(fit_gaussians(z, None, GaussianOptions(components=1)))
    np.testing.assert_allclose(known.error[:, 0], np.sqrt((1 + 2**2 / 2) / 4000), rtol=0.06)
    skewed = np.random.default_rng(0).exponential(1, (1000, 3000))
    errors = known_distances(fit_gaussians(skewed[:, :40], None, GaussianOptions(components=1))).error[:, 0]
    assert np.median(errors) == pytest.approx((skewed.mean(0) / skewed.std(0)).std(), rel=0.1)


def test_the_weight_of_a_component_counts():
    """Of two components far apart, the lighter one's distance is known as well as from its own rows alone."""
    fit = fit_gaussians(two(4000, 12, 0.2, 0.5, 20), None, GaussianOptions(components=2))
    rows = known_distances(fit).rows
    np.testing.assert_allclose(rows[:, 0], 800, rtol=0.2)
    np.testing.assert_allclose(rows[:, 1], 3200, rtol=0.2)


def test_units_and_signs_do_not_matter():
    z = two(2000, 3, 0.5, 0.5, 8)
    first, second = (known_distances(fit_gaussians(values)) for values in (z, -1000 * z))
    np.testing.assert_allclose(first.error[:, :2], second.error[:, 1::-1], rtol=0.05)

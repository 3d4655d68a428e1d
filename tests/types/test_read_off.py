"""What result classes give of themselves, beside their fields."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tiny_runs import DEAD, mlp


def test_densities_of_a_mixture_are_scipys():
    fit = mlp().fits["fc1"]
    node = int(fit.components.argmax())
    z = np.linspace(fit.minimum[node], fit.maximum[node], 50)
    count = fit.components[node]
    sd = np.sqrt(fit.component_var[node, :count])
    expected = fit.weight[node, :count] * stats.norm(fit.component_mean[node, :count], sd).pdf(z[:, None])
    np.testing.assert_allclose(fit.density(node, z), expected, rtol=1e-9)


def test_a_node_without_spread_has_no_density():
    fit = mlp().fits["fc1"]
    flat = replace(fit, component_var=np.zeros_like(fit.component_var))
    assert flat.density(DEAD, np.zeros(3)).shape == (3, 0)


def test_mean_counts_and_distances_are_over_the_nodes_that_have_one():
    found, match = mlp().prototypes["fc1"], mlp().clusters["fc1"][0]
    some = replace(found, effective_count={"nearest": np.array([np.nan, 10.0, 20.0]), "component": np.full(3, np.nan)})
    assert some.mean_count["nearest"] == 15
    assert np.isnan(some.mean_count["component"])
    none = replace(match, distance={"nearest": np.full(8, np.nan)})
    assert np.isnan(none.mean_distance["nearest"])
    some = replace(match, distance={"nearest": np.array([1.0, np.nan, 4.0])})
    assert some.mean_distance == {"nearest": 2.5}


def test_the_range_of_a_null_is_its_central_95_percent():
    values = np.array([*np.arange(101.0), np.nan])
    match = replace(mlp().clusters["fc1"][0], null_distance={"nearest": {"random means": values}})
    ends = (102 * 0.025 - 1, 102 * 0.975 - 1)  # of 101 draws and one more, as many lie beyond as is said
    assert match.null_range("nearest") == {"random means": pytest.approx((50, *ends))}
    assert match.null_range("strongest") == {}

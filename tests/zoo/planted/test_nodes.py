import pytest
import torch

from zoo.planted.data.mixtures import MixtureSetup, draw_mixture
from zoo.planted.nodes import NODES, duplicated, layer_of, plant_node


def planted(kind, seed=0, sigma=0.0, **setup):
    generator = torch.Generator().manual_seed(seed)
    mixture = draw_mixture(MixtureSetup(**({"dimension": 6, "classes": 4, "covariance": "own"} | setup)), generator)
    return mixture, plant_node(kind, mixture, generator, sigma)


def measured(mixture, node, count=40_000):
    """Distance of the boundary to the planted cluster's mean, in its deviations, and the share of positive z."""
    x, y = mixture.draw(count, torch.Generator().manual_seed(9))
    z = layer_of([node])(x)[:, 0].detach()
    own = z[y == node.cluster]
    return float(own.mean().abs() / own.std()), float((z > 0).float().mean())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", NODES)
def test_samples_find_the_boundary_where_it_is_said_to_be(kind, seed):
    mixture, node = planted(kind, seed, sigma=0.7)
    sigma, positive = measured(mixture, node)
    assert sigma == pytest.approx(node.sigma, abs=0.05, rel=0.03)
    assert positive == pytest.approx(node.positive, abs=0.01)


def test_a_boundary_at_a_mean_is_at_it():
    for seed in range(5):
        assert planted("at-mean", seed)[1].sigma < 1e-4


def test_a_displaced_boundary_is_no_farther_than_asked():
    for seed in range(5):
        assert planted("displaced", seed, sigma=1.5)[1].sigma <= 1.5 + 1e-4


def test_a_boundary_midway_is_as_far_from_both_neighbours():
    mixture, node = planted("midway", classes=2, separation=10.0)
    means, spreads = mixture.along(node.weight[None])
    gaps = ((means + node.bias).abs() / spreads)[0]
    assert float(gaps[0]) == pytest.approx(float(gaps[1]), rel=1e-3)
    assert bool((means + node.bias)[0].prod() < 0)


def test_dead_and_one_sided_nodes_are_crossed_by_no_sample():
    for seed in range(3):
        mixture, dead = planted("dead", seed)
        _, one_sided = planted("one-sided", seed)
        x, _ = mixture.draw(20_000, torch.Generator().manual_seed(1))
        z = layer_of([dead, one_sided])(x)
        assert bool((z[:, 0] < 0).all())
        assert bool((z[:, 1] > 0).all())


def test_a_duplicate_has_the_same_boundary_at_another_scale():
    mixture, node = planted("displaced", sigma=1.0)
    x, _ = mixture.draw(100, torch.Generator().manual_seed(0))
    z = layer_of([node, duplicated(node, 2.5)])(x)
    torch.testing.assert_close(z[:, 1], 2.5 * z[:, 0], rtol=1e-4, atol=1e-4)
    assert duplicated(node, 2.5).sigma == node.sigma

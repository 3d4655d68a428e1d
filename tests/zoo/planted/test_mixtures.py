import pytest
import torch
from sklearn.datasets import load_digits

from zoo.planted.data.digits import digits
from zoo.planted.data.mixtures import COVARIANCES, MixtureSetup, draw_mixture, gaussian_mixture, nearest_distances
from zoo.planted.data.tiles import ACROSS, SIDE, TILES, from_patches, tiles


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_centres_are_as_far_apart_as_was_asked(covariance):
    setup = MixtureSetup(dimension=7, classes=5, separation=3.5, covariance=covariance)
    mixture = draw_mixture(setup, torch.Generator().manual_seed(3))
    assert float(nearest_distances(mixture.centres, mixture.factors).mean()) == pytest.approx(3.5, rel=1e-4)


def test_distance_is_counted_in_standard_deviations_of_the_own_component():
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 30.0]])
    factors = torch.stack([torch.diag(torch.tensor(d)) for d in ([2.0, 1.0], [1.0, 1.0], [1.0, 5.0])])
    assert nearest_distances(centres, factors).tolist() == pytest.approx([2.0, 4.0, 6.0])


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_samples_have_the_moments_of_their_component(covariance):
    setup = MixtureSetup(dimension=3, classes=3, imbalance=4.0, covariance=covariance)
    mixture = draw_mixture(setup, torch.Generator().manual_seed(1))
    x, y = mixture.draw(60_000, torch.Generator().manual_seed(2))
    for kind in range(3):
        own = x[y == kind].double()
        factor = mixture.factors[kind].double()
        scale = float(factor.norm())
        assert len(own) / len(x) == pytest.approx(float(mixture.shares[kind]), abs=0.01)
        torch.testing.assert_close(own.mean(0), mixture.centres[kind].double(), rtol=0, atol=0.05 * scale)
        torch.testing.assert_close(torch.cov(own.T), factor @ factor.T, rtol=0, atol=0.1 * scale**2)


def test_projections_are_those_of_the_samples():
    mixture = draw_mixture(MixtureSetup(dimension=4, classes=2, covariance="own"), torch.Generator().manual_seed(0))
    weight = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    x, y = mixture.draw(40_000, torch.Generator().manual_seed(2))
    means, spreads = mixture.along(weight)
    for kind in range(2):
        z = x[y == kind] @ weight.T
        torch.testing.assert_close(z.std(0), spreads[:, kind], rtol=0.03, atol=0)
        assert bool(((z.mean(0) - means[:, kind]).abs() < 0.05 * spreads[:, kind]).all())


def test_a_seed_gives_the_same_samples_and_fresh_ones_are_others():
    one, two = (gaussian_mixture(MixtureSetup(train=50, test=20), seed=5) for _ in range(2))
    torch.testing.assert_close(one.train[0], two.train[0], rtol=0, atol=0)
    assert not torch.equal(one.fresh(20, 0)[0], one.test[0])
    assert not torch.equal(one.fresh(20, 0)[0], one.fresh(20, 1)[0])


def test_digits_are_in_one_part_only():
    data = digits(seed=4)
    parts = [data.train[0], data.test[0], data.fresh(1000, 0)[0]]
    rows = torch.cat(parts)
    everything = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, everything.tolist()))
    assert digits(4, images=True).train[0].shape == (900, 1, 8, 8)
    torch.testing.assert_close(digits(4, images=True).train[0].flatten(1), data.train[0])


def to_patches(images):
    """Cut images (S, 1, 16, 16) into (S, 16 tiles, 16 pixels)."""
    square = images.view(-1, ACROSS, SIDE, ACROSS, SIDE).transpose(2, 3)
    return square.reshape(-1, TILES, SIDE * SIDE)


def test_patches_and_images_are_the_same_numbers():
    patches = torch.arange(2 * 16 * 16.0).view(2, 16, 16)
    images = from_patches(patches)
    torch.testing.assert_close(to_patches(images), patches)
    torch.testing.assert_close(images[1, 0, 4:8, 12:16].flatten(), patches[1, 1 * 4 + 3])


def test_tiles_are_the_class_s_own_as_often_as_was_asked():
    data = tiles(classes=3, separation=12.0, own=0.25, seed=2, train=300)
    means = torch.stack([data.rows[0][data.rows[1] == kind].mean(0) for kind in range(4)])
    patches = to_patches(data.train[0])
    kind = torch.cdist(patches, means.expand(len(patches), -1, -1)).argmin(2)
    own = kind == data.train[1][:, None]
    assert float(own.float().mean()) == pytest.approx(0.25, abs=0.03)  # 4,800 tiles: one standard error is 0.006
    assert float((own | (kind == 3)).float().mean()) > 0.99

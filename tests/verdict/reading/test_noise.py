from dataclasses import replace

import numpy as np
import pytest
import torch
from verdict.reading.examples import distances, intensities, linear_read_out, random_network

from interp.types.annotations.held import Misfit, check_shapes
from interp.verdict.reading.noise import Curve, NoiseOptions, rank_noise

EXAMPLES = [distances, intensities, random_network]


def test_small_outputs_are_read_of_distances_and_large_ones_of_intensities():
    assert rank_noise(*distances()).balance[0] > 0.4
    assert rank_noise(*intensities()).balance[0] < -0.4
    assert abs(rank_noise(*random_network()).balance[0]) < 0.15


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_noise_changes_nothing_to_the_last_bit(example):
    curve = rank_noise(*example(), NoiseOptions(size=0.0))
    assert bool((curve.moved == 0).all())
    assert bool((curve.flipped == 0).all())
    assert np.isnan(curve.balance).all()


@pytest.mark.parametrize("example", EXAMPLES)
def test_outputs_are_left_as_they_were(example):
    following, outputs = example()
    before = outputs.clone()
    rank_noise(following, outputs)
    torch.testing.assert_close(outputs, before, rtol=0, atol=0)


def test_every_part_gets_the_same_number_of_values_and_the_same_noise():
    """Differences from the undisturbed outputs, seen from what follows."""
    outputs = torch.rand(1, 203, 4, generator=torch.Generator().manual_seed(0))
    seen = []
    rank_noise(lambda a: seen.append(a.clone()) or torch.cat([a, a], 2), outputs, NoiseOptions(draws=1))
    changes = [part - outputs for part in seen[1:]]
    assert len(changes) == 10
    wanted = sorted(changes[0][changes[0] != 0].tolist())
    assert len(wanted) == 20 * 4
    for change in changes:
        np.testing.assert_allclose(sorted(change[change != 0].tolist()), wanted, rtol=0, atol=1e-6)
    places = torch.stack([change != 0 for change in changes]).sum(0)
    assert int(places.max()) == 1  # no value is in two parts


def test_the_first_part_is_the_lowest_and_the_last_the_highest():
    outputs = torch.rand(1, 200, 3, generator=torch.Generator().manual_seed(0))
    seen = []
    rank_noise(lambda a: seen.append(a.clone()) or torch.cat([a, a], 2), outputs, NoiseOptions(draws=1))
    ranks = outputs.argsort(1).argsort(1)
    for part, changed in enumerate(seen[1:]):
        assert set(ranks[changed != outputs].tolist()) == set(range(20 * part, 20 * part + 20))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_ends_alone_have_the_balance_of_the_whole_curve(example):
    following, outputs = example()
    whole, ends = (rank_noise(following, outputs, NoiseOptions(ends_only=only)) for only in (False, True))
    np.testing.assert_array_equal(whole.balance, ends.balance)
    assert np.isnan(ends.moved[:, 2:8]).all()


@pytest.mark.parametrize("example", EXAMPLES)
def test_permuting_nodes_with_their_read_out_changes_little(example):
    """Nodes draw their noise in their order, so the numbers differ as two draws do, and the balance hardly."""
    (following, outputs), order = example(), torch.randperm(24, generator=torch.Generator().manual_seed(1))
    permuted = rank_noise(lambda a: following(a[:, :, order.argsort()]), outputs[:, :, order])
    assert permuted.balance[0] == pytest.approx(rank_noise(following, outputs).balance[0], abs=0.08)


@pytest.mark.parametrize("example", EXAMPLES)
def test_scaling_nodes_and_their_read_out_back_changes_nothing(example):
    """Powers of two are exact, so only the order of sums could differ, and it does not."""
    (following, outputs), factor = example(), 2.0 ** torch.arange(24).remainder(7)
    scaled = rank_noise(lambda a: following(a / factor), outputs * factor)
    np.testing.assert_allclose(scaled.moved, rank_noise(following, outputs).moved, rtol=1e-4)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_scale_and_the_gauge_of_the_logits_do_not_matter(example):
    following, outputs = example()
    plain = rank_noise(following, outputs)
    other = rank_noise(lambda a: 3 * following(a) + a.sum(2, keepdim=True), outputs)
    np.testing.assert_allclose(other.balance, plain.balance, rtol=0, atol=1e-3)
    np.testing.assert_allclose(other.shares, plain.shares, rtol=0, atol=1e-3)


def test_dead_nodes_get_no_noise_and_constant_ones_do_not_matter():
    following, outputs = distances()
    wider = torch.cat([outputs, torch.zeros(1, 600, 3), torch.full((1, 600, 2), 7.0)], 2)
    with_dead = rank_noise(lambda a: following(a[..., :24]), wider)
    assert with_dead.balance[0] == pytest.approx(rank_noise(following, outputs).balance[0], abs=0.08)


def test_equal_outputs_share_what_is_read_of_them():
    """Two thirds of all values are zero: their parts of the ranks are alike, and unlike the rest."""
    following, outputs = intensities()
    sparse = (outputs - outputs.quantile(0.667, dim=1, keepdim=True)).clamp(min=0)
    shares = rank_noise(following, sparse).shares[0]
    assert shares[:6].std() < 0.15 * shares[:6].mean()
    assert shares[8:].min() > 1.3 * shares[:6].max()


def test_all_positions_of_a_convolution_are_ranked_together():
    following, outputs = distances()
    maps = outputs[..., None, None].expand(-1, -1, -1, 2, 3).contiguous()
    curve = rank_noise(lambda a: following(a.mean((3, 4))), maps)
    assert curve.balance[0] > 0.4
    seen = []
    rank_noise(lambda a: seen.append(a.clone()) or a.mean((3, 4)), maps)
    assert int((seen[1] != maps).sum()) == 24 * 600 * 6 // 10


def test_copies_are_measured_as_each_would_be_alone():
    weights = torch.randn(3, 24, 5, generator=torch.Generator().manual_seed(4))
    outputs = torch.rand(3, 300, 24, generator=torch.Generator().manual_seed(5))
    together = rank_noise(lambda a: torch.bmm(a, weights), outputs)
    for one in range(3):
        alone = rank_noise(linear_read_out(weights[one]), outputs[one : one + 1])
        np.testing.assert_allclose(together.moved[one], alone.moved[0], rtol=1e-4)


def test_one_logit_is_a_decision_too():
    outputs = torch.rand(1, 200, 2, generator=torch.Generator().manual_seed(0))
    one = rank_noise(lambda a: a[..., :1] - 0.5, outputs)
    two = rank_noise(lambda a: torch.cat([0.5 - a[..., :1], torch.zeros(1, 200, 1)], 2), outputs)
    np.testing.assert_allclose(one.moved, two.moved, rtol=1e-5)
    np.testing.assert_allclose(one.flipped, two.flipped, rtol=0, atol=1e-6)


def test_balance_is_the_ends_difference_over_their_sum():
    moved = np.array([[3.0, 3.0, 9.0, 9.0, 1.0, 1.0]])
    assert Curve(moved, moved, np.ones(1), ends=2).balance[0] == pytest.approx(0.5)
    assert Curve(moved, moved, np.ones(1), ends=1).balance[0] == pytest.approx(0.5)
    assert Curve(moved, moved, np.ones(1), ends=3).balance[0] == pytest.approx(4 / 26)


def test_a_network_whose_decisions_hang_on_a_layer_in_few_samples_has_no_balance():
    outputs = torch.rand(1, 200, 3, generator=torch.Generator().manual_seed(0))
    for share, known in ((0.04, False), (0.8, True)):
        open_to = (torch.arange(200) < 200 * share).float().view(1, 200, 1)  # what follows is dead on the others
        found = rank_noise(lambda a, on=open_to: torch.cat([a, -a], 2) * on, outputs)
        assert found.reached[0] == pytest.approx(share, abs=0.01)
        assert bool(np.isfinite(found.balance[0])) is known


def test_draws_at_the_ends_are_averaged():
    following, outputs = distances()
    one, three = (rank_noise(following, outputs, NoiseOptions(draws=draws)) for draws in (1, 3))
    assert (one.moved[0, [0, 1, 8, 9]] != three.moved[0, [0, 1, 8, 9]]).all()
    np.testing.assert_allclose(one.moved[0, 2:8], three.moved[0, 2:8], rtol=0.05)
    seeds = [
        [rank_noise(*random_network(), NoiseOptions(seed=seed, draws=draws)).balance[0] for seed in range(30)]
        for draws in (1, 3)
    ]
    assert np.std(seeds[1]) < 0.85 * np.std(seeds[0])  # 0.58 were the ranks' ties and noise all there is


def test_curves_of_another_shape_than_their_networks_are_told():
    """As parts of unfinished readings are, which files keep."""
    curve = rank_noise(*distances())
    check_shapes(curve)
    for wrong in ({"moved": curve.moved[0]}, {"flipped": curve.flipped[:, 1:]}, {"reached": curve.moved}):
        with pytest.raises(Misfit, match=f"Curve.{next(iter(wrong))}"):
            check_shapes(replace(curve, **wrong))

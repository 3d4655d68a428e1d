from functools import cache

import pytest
import torch

from zoo.planted.data.digits import digits
from zoo.planted.data.mixtures import MixtureSetup, gaussian_mixture
from zoo.planted.data.samples import PlantedData
from zoo.planted.data.tiles import tiles
from zoo.planted.families import FAMILIES, Wish, plant
from zoo.planted.learned.learned import half_accuracy
from zoo.planted.planted import hidden_names
from zoo.planted.tuned.distances import kmeans_centres, l1_mahalanobis, offset_l2, relu_pairs
from zoo.planted.tuned.intensities import templates
from zoo.planted.tuned.layers import TRUTHS, any_gauge

SMALL = Wish(gaussian_mixture(MixtureSetup(dimension=8, classes=4, train=400, test=200), seed=0), (24, 16))
ONE_LAYER = Wish(SMALL.data, (24,))
NOTHING = ("untrained", "shuffled", "batch-norm", "random-labels")


@cache
def small(family, seed=0):
    """Plant a small network; each is made once, since nothing here changes one."""
    return plant(family, seed, SMALL if 2 in FAMILIES[family].depths else ONE_LAYER)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_makes_named_layers_with_a_truth_each(family):
    made = small(family)
    assert isinstance(made.data, PlantedData)
    assert list(made.truth) == hidden_names(made.network)
    assert not made.network.training
    assert not any(p.requires_grad for p in made.network.parameters())
    assert made.network(made.data.test[0]).shape == (200, 4)
    assert bool(made.network(made.data.test[0]).isfinite().all())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_makes_the_same_network_and_another_one_another(family):
    one, two, other = small(family), small.__wrapped__(family), small(family, seed=1)
    for name, value in one.network.state_dict().items():
        torch.testing.assert_close(value, two.network.state_dict()[name], rtol=0, atol=0)
    x = one.data.test[0]
    assert not torch.equal(one.network(x), other.network(x))


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in NOTHING])
def test_what_is_planted_decides_well(family):
    least = 0.6 if family.startswith("clamped") else 0.85
    assert small(family).setup["accuracy"] >= least


@pytest.mark.parametrize("family", NOTHING[:3])
def test_what_learned_nothing_decides_by_chance(family):
    assert sum(small(family, seed).setup["accuracy"] for seed in range(6)) / 6 < 0.5
    assert set(small(family).truth.values()) == {"neither"}


def test_random_labels_are_learned_by_heart_alone():
    made = plant("random-labels", 0, Wish(SMALL.data, (64,)))
    assert made.setup["accuracy"] < 0.45


@pytest.mark.parametrize("sense", ["low", "high"])
def test_clamp_noise_has_taken_where_a_truth_is_said(sense):
    family = "clamped-above" if sense == "low" else "clamped-below"
    made = [plant(family, seed, ONE_LAYER) for seed in range(4)]
    for one in made:
        low, high = (half_accuracy(one.network, 2, one.data.train, end) for end in ("low", "high"))
        took = (low - high if sense == "low" else high - low) > 0.1
        assert dict(one.truth) == {"hidden1": TRUTHS[sense] if took else "unknown"}
    assert any(one.truth["hidden1"] == TRUTHS[sense] for one in made)


@pytest.mark.parametrize("make", [l1_mahalanobis, kmeans_centres, offset_l2, relu_pairs, templates])
def test_a_tuned_node_is_in_its_state_on_its_class_and_not_on_the_others(make):
    rows = SMALL.data.train
    layer = make(rows, 4, 24, torch.Generator().manual_seed(1))
    outputs = layer.outputs(rows[0])
    assert outputs.shape == (400, 24)
    sums = torch.stack([outputs[:, layer.owner == c].sum(1) for c in range(4)], 1)
    means = torch.stack([sums[rows[1] == c].mean(0) for c in range(4)])  # (class of the sample, class of the nodes)
    extreme = means.argmin(1) if layer.sense == "low" else means.argmax(1)
    assert extreme.tolist() == [0, 1, 2, 3]


def test_relu_pairs_add_up_to_the_absolute_value():
    rows = SMALL.data.train
    pairs = relu_pairs(rows, 4, 24, torch.Generator().manual_seed(1)).outputs(rows[0])
    whole = l1_mahalanobis(rows, 4, 12, torch.Generator().manual_seed(1)).outputs(rows[0])
    torch.testing.assert_close(pairs[:, :12] + pairs[:, 12:], whole, rtol=1e-5, atol=1e-5)


def test_a_boundary_of_the_distances_passes_through_the_class_s_mean():
    rows = SMALL.data.train
    layer = l1_mahalanobis(rows, 4, 8, torch.Generator().manual_seed(2))
    means = torch.stack([rows[0][rows[1] == c].mean(0) for c in range(4)])
    at_own = layer.steps[0](means).gather(1, torch.arange(8).view(2, 4).T)
    torch.testing.assert_close(at_own, torch.zeros(4, 2), rtol=0, atol=1e-3)


def test_a_gauge_changes_logits_by_the_same_for_all_classes():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 7, generator=generator)
    outputs = torch.rand(11, 7, generator=generator)
    change = outputs @ (any_gauge(weight, generator) - weight).T
    assert float(change.abs().mean()) > 0.1
    torch.testing.assert_close(change, change[:, :1].expand(-1, 5), rtol=0, atol=1e-5)


@pytest.mark.parametrize("make", ["l1-mahalanobis", "relu-pairs", "templates"])
def test_a_convolution_on_tiles_is_the_layer_planted_on_tiles(make):
    data = tiles(classes=3, separation=8.0, own=0.6, seed=1, train=300, test=100)
    made = plant(make, 0, Wish(data, (12,)))
    assert isinstance(made.network.hidden1, torch.nn.Conv2d)
    assert made.setup["accuracy"] > 0.9


def test_both_halves_of_a_mixed_layer_decide_alike_alone():
    made = plant("both", 0, Wish(SMALL.data, (48,)))
    x, y = made.data.test
    outputs = made.network.activation1(made.network.hidden1(x))
    for half in (slice(0, 24), slice(24, 48)):
        part = torch.zeros_like(outputs)
        part[:, half] = outputs[:, half]
        bias = made.network.output.bias
        assert float(((made.network.output(part) - bias).argmax(1) == y).float().mean()) > 0.5


@pytest.mark.parametrize("family", ["positive-read-out", "clamped-below", "batch-norm", "untrained"])
@pytest.mark.parametrize("widths", [(10,), (10, 12)])
def test_convolutions_on_digits_keep_the_parts_of_the_image_apart(family, widths):
    data = digits(0, images=True)
    made = plant(family, 0, Wish(data, widths, "relu"))
    assert made.network.hidden1.out_channels == 10
    assert made.network(data.test[0][:5]).shape == (5, 10)
    if len(widths) == 1:
        assert made.network.output.in_features == 10 * 9
    if family == "positive-read-out":
        assert made.setup["accuracy"] > 0.25


def test_without_a_wish_everything_is_drawn():
    drawn = [plant("untrained", seed).setup for seed in range(12)]
    assert len({one["data"] for one in drawn}) >= 3
    assert len({one["activation"] for one in drawn}) >= 3
    assert {one["widths"].count("-") for one in drawn} == {0, 1, 2}

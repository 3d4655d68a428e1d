"""Parts that are joined or exchanged give what they gave apart."""

from itertools import product

import pytest
import torch
from torch import nn

from interp.network import activations
from interp.network.activations import ACTIVATIONS, DIPPING, RISING, Activation
from interp.network.chain import chain_of
from interp.network.inputs import IMAGE_BLOCK, channels_last, images_a_block
from interp.network.quick.joined import LargerEnd, NormedConv2d, WindowEnds, joined


def norm(width, **settings):
    """Give a batch norm in eval mode whose moments and factors, of both signs, were drawn at random."""
    part = nn.BatchNorm2d(width, **settings).eval()
    for name, values in part.state_dict().items():
        if values.is_floating_point():
            (nn.init.uniform_(values, 0.5, 2) if name == "running_var" else nn.init.normal_(values))
    return part


def test_every_activation_never_falls_or_falls_and_then_rises():
    x = torch.linspace(-12, 12, 48_001, dtype=torch.float64)
    assert set(ACTIVATIONS) == RISING | DIPPING
    for name in ACTIVATIONS:
        y = ACTIVATIONS[name](x)
        lowest = 0 if name in RISING else int(y.argmin())
        assert (y[: lowest + 1].diff() <= 1e-12).all(), name
        assert (y[lowest:].diff() >= -1e-12).all(), name
        assert (name in RISING) == (lowest == 0), name


@torch.no_grad()
@pytest.mark.parametrize("name", sorted(DIPPING))
@pytest.mark.parametrize("side", [2, 3])
def test_the_larger_end_of_a_window_has_its_largest_activation(name, side):
    torch.manual_seed(0)
    x = 2 * torch.randn(5, 4, 9, 11)
    expected = nn.functional.max_pool2d(ACTIVATIONS[name](x), side)
    torch.testing.assert_close(LargerEnd(name)(WindowEnds(side)(x)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"bias": False}, {"groups": 2, "stride": 2, "padding": 1}])
@pytest.mark.parametrize("affine", [True, False])
def test_a_convolution_with_its_norm_gives_the_outputs_and_gradients_of_both(settings, affine):
    torch.manual_seed(0)
    one, behind, x = nn.Conv2d(4, 6, 3, **settings).eval(), norm(6, affine=affine), torch.randn(5, 4, 8, 8)
    both = NormedConv2d(one, behind)
    expected, found = behind(one(x)), both(x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both.fused()(x), expected, rtol=1e-4, atol=1e-4)
    parts, factors = [*one.parameters(), *behind.parameters()], torch.randn_like(expected)
    assert [*map(id, both.parameters())] == [*map(id, parts)]
    for own, wanted in zip(
        torch.autograd.grad((found * factors).sum(), parts),
        torch.autograd.grad((expected * factors).sum(), parts),
        strict=True,
    ):
        torch.testing.assert_close(own, wanted, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_a_chain_for_quick_passes_gives_the_same_and_keeps_its_own_modules():
    torch.manual_seed(0)
    for name, kind in product(ACTIVATIONS, (nn.MaxPool2d, nn.AvgPool2d)):
        steps = [nn.Conv2d(1, 8, 3), norm(8), Activation(name), kind(2), nn.Conv2d(8, 6, 3), nn.ReLU(), nn.MaxPool2d(2)]
        chain = chain_of([(str(place), step) for place, step in enumerate([*steps, norm(6), nn.Flatten()])])
        x, weight = torch.randn(7, 1, 20, 20), chain.get_submodule("0").weight.clone()
        quick = channels_last(chain)
        torch.testing.assert_close(quick(x), chain(x), rtol=1e-4, atol=1e-4)
        swapped = name in RISING and kind is nn.MaxPool2d
        first = ["0", "3", "2"] if swapped else ["0", "2", "3"]
        assert list(quick.order) == [*first, "4", "6", "5", "7", "8"]
        assert torch.equal(chain.get_submodule("0").weight, weight)
        assert len(chain.order) == 9


def test_what_may_not_be_joined_stays():
    own = nn.BatchNorm2d(4, track_running_stats=False)
    for steps in (
        [nn.Conv2d(1, 4, 3), own],
        [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)],
        [nn.PReLU(), nn.MaxPool2d(2)],
        [Activation("abs"), nn.MaxPool2d(2)],
    ):
        named = [(str(place), step) for place, step in enumerate(steps)]
        assert joined(named) == named


@pytest.mark.parametrize(
    ("channels", "shape", "weights", "rows"),
    [
        (1, (1, 8, 8), 100, IMAGE_BLOCK),
        (64, (1, 28, 28), 100, 64),
        (32, (1, 28, 28), 100, 128),
        (64, (3, 224, 224), 100, 32),
        (64, (3, 224, 224), 2**21, IMAGE_BLOCK),
    ],
)
def test_images_run_in_smaller_blocks_the_larger_their_maps(channels, shape, weights, rows):
    assert images_a_block(channels, shape, weights) == rows


def test_an_activation_of_ones_own_is_neither(monkeypatch):
    monkeypatch.setitem(activations.ACTIVATIONS, "wave", torch.sin)
    named = [("act", Activation("wave")), ("pool", nn.MaxPool2d(2))]
    assert joined(named) == named

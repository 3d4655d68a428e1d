"""Parts that give in less time what torch's own give, and leave the rest to those."""

from copy import deepcopy
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet18

from interp.checkpoints import load_module
from interp.interventions import Edit, ablate
from interp.interventions.engine.tally import tally
from interp.network import copies
from interp.network.copies import quick_copy_of
from interp.network.hooks import edit
from interp.network.quick.convolutions import QuickConv2d
from interp.network.quick.parts import make_quick
from interp.network.tracing.calls import Seer, call_of, function_name
from interp.types import NodeLayer
from interp.verdict.attribution.attribute import AttributionOptions, attribute


def drawn(*shape):
    return torch.from_numpy(np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32))


@pytest.fixture
def plain_runs(monkeypatch):
    """Sizes of the maps on which torch's own convolution was run."""
    seen, own = [], nn.Conv2d.forward

    def forward(self, x):
        seen.append(tuple(x.shape[2:]))
        return own(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", forward)
    return seen


GEOMETRIES = [
    (size, kernel, stride, padding, dilation)
    for size, kernel, stride, padding, dilation in product(
        [(1, 1), (2, 2), (1, 3), (3, 2)], [(3, 3), (5, 3)], [1, 2, (1, 2)], [1, (2, 1)], [1, 2]
    )
    if all(size[i] + 2 * np.broadcast_to(padding, 2)[i] > dilation * (kernel[i] - 1) for i in (0, 1))
]


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
def test_a_small_map_is_multiplied_as_a_whole_and_gives_the_same(plain_runs, bias):
    was_quick = 0
    for size, kernel, stride, padding, dilation in GEOMETRIES:
        plain = nn.Conv2d(5, 7, kernel, stride, padding, dilation, bias=bias)
        quick, x = make_quick(deepcopy(plain)), drawn(4, 5, *size)
        expected = plain(x)
        plain_runs.clear()
        for _ in range(2):
            found = quick(x)
            assert found.is_contiguous() == expected.is_contiguous()
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5, msg=f"{size}, {plain}")
        seen = functional.conv2d(torch.ones(1, 1, *size), torch.ones(1, 1, *kernel), None, stride, padding, dilation)
        reads_all = bool((seen == size[0] * size[1]).all())
        assert bool(plain_runs) == (2 * size[0] * size[1] > kernel[0] * kernel[1] or not reads_all)
        was_quick += not plain_runs
    assert was_quick > 10


@pytest.mark.parametrize(
    ("changed", "shape"),
    [
        ({}, (2, 4, 3, 3)),
        ({"groups": 2}, (2, 4, 1, 1)),
        ({"padding_mode": "circular"}, (2, 4, 2, 2)),
        ({"padding": "same"}, (2, 4, 1, 1)),
        ({"dtype": torch.float64}, (2, 4, 1, 1)),
        ({}, (4, 2, 2)),
    ],
)
def test_what_is_no_small_map_is_left_to_torch(plain_runs, changed, shape):
    plain = nn.Conv2d(4, 6, 3, **{"padding": 1, **changed})
    x = drawn(*shape).to(plain.weight.dtype)
    with torch.no_grad():
        expected = plain(x)
        plain_runs.clear()
        assert torch.equal(make_quick(deepcopy(plain))(x), expected)
    assert len(plain_runs) == 1


@torch.no_grad()
@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_what_is_not_finite_reaches_what_reads_it_and_no_more(bad):
    for size, kernel, padding in (((1, 3), 3, 1), ((1, 4), 3, 1), ((2, 2), 3, 1), ((3, 3), 5, 2), ((1, 1), 3, 1)):
        plain, x = nn.Conv2d(2, 3, kernel, padding=padding), drawn(4, 2, *size)
        x[1, 0, 0, 0] = bad
        found, expected = make_quick(deepcopy(plain))(x), plain(x)
        np.testing.assert_array_equal(found.isfinite(), expected.isfinite())


@torch.no_grad()
def test_weights_that_change_change_the_product():
    quick, x = make_quick(nn.Conv2d(4, 6, 3, padding=1)), drawn(2, 4, 2, 2)
    first, other = quick(x), deepcopy(quick)
    quick.weight.mul_(0)
    torch.testing.assert_close(quick(x), quick.bias[:, None, None].expand_as(first))
    torch.testing.assert_close(other(x), first, rtol=1e-5, atol=1e-5)
    quick.bias.zero_()
    assert not quick(x).any()
    quick.weight = nn.Parameter(other.weight.clone())
    quick.bias.data = other.bias.clone()
    torch.testing.assert_close(quick(x), first, rtol=1e-5, atol=1e-5)


def test_gradients_are_left_to_torch(plain_runs):
    quick, x = make_quick(nn.Conv2d(4, 6, 3, padding=1)), drawn(2, 4, 1, 1).requires_grad_()
    quick(x).sum().backward()
    assert len(plain_runs) == 1
    assert x.grad.abs().sum() > 0


def test_a_map_that_is_too_small_is_refused_as_ever():
    quick = make_quick(nn.Conv2d(4, 6, 3))
    with torch.no_grad(), pytest.raises(RuntimeError, match=r"[Kk]ernel size"):
        quick(drawn(2, 4, 1, 1))


@torch.no_grad()
def test_maxima_are_the_same_to_the_last_bit():
    for size, padding, ceil, channels in product((2, 3), (0, 1), (True, False), (3, 16)):
        plain, x = nn.MaxPool2d(size, 2, padding, ceil_mode=ceil), drawn(3, channels, 9, 8)
        x[0, :, 2, 3], x[1, 1] = torch.nan, -torch.inf
        found = make_quick(deepcopy(plain))(x)
        assert found.is_contiguous()
        np.testing.assert_array_equal(found.numpy(), plain(x).numpy())


@pytest.mark.parametrize("side", [1, 2, 3])
@pytest.mark.parametrize("shape", [(5, 4, 28, 28), (3, 9, 9, 11), (1, 3, 3)])
def test_maxima_of_windows_side_by_side_are_the_same_without_torchs_pooling(side, shape, monkeypatch):
    values = drawn(*shape).round(decimals=1)
    values.view(-1)[0], values.view(-1)[4] = torch.nan, -torch.inf
    expected = nn.MaxPool2d(side)(values)
    monkeypatch.setattr(nn.MaxPool2d, "forward", None)
    for memory in (torch.contiguous_format, torch.channels_last)[: len(shape) - 2]:
        found = make_quick(nn.MaxPool2d(side))(values.to(memory_format=memory))
        assert torch.equal(found.nan_to_num(nan=1e9), expected.nan_to_num(nan=1e9))


@torch.no_grad()
@pytest.mark.parametrize("given", [([2],), ((2,), [2]), ([3, 2],), ((2, 1), (2,), [1, 0], (1,)), (2, None, (0,), [2])])
def test_sizes_are_taken_in_every_form_that_torch_takes(given):
    plain, x = nn.MaxPool2d(*given), drawn(3, 8, 7, 8)
    assert torch.equal(make_quick(deepcopy(plain))(x), plain(x))


@pytest.mark.parametrize("channels", [3, 16])
def test_maxima_with_gradients_are_torchs(channels):
    values = torch.zeros(2, channels, 4, 4, requires_grad=True)
    slopes = [torch.autograd.grad(pool(values).sum(), values)[0] for pool in (nn.MaxPool2d(2), quick())]
    assert torch.equal(*slopes)
    with pytest.raises(RuntimeError, match="too small"):
        quick()(torch.zeros(2, 3, 1, 4))


def quick():
    return make_quick(nn.MaxPool2d(2))


def test_copies_share_products_and_classes_of_others_stay():
    class Own(nn.Conv2d):
        pass

    network = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), Own(2, 2, 3), nn.MaxPool2d(2))
    copy = quick_copy_of(network, [])
    assert [type(part).__name__ for part in copy] == ["QuickConv2d", "Own", "QuickMaxPool2d"]
    assert [type(part).__name__ for part in network] == ["Conv2d", "Own", "MaxPool2d"]
    assert copies.copy_of(copy)[0].dense is copy[0].dense


class TwoReaders(nn.Module):
    """A layer that a convolution of a small map reads before its activation is applied."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        z = self.first(x)
        return self.second(z).flatten(1) + functional.relu(z).flatten(1)


@torch.no_grad()
def test_edits_of_the_output_find_the_activation_behind_a_quick_part():
    network, x = TwoReaders().eval(), drawn(6, 3, 1, 1)
    layer = NodeLayer("first", "conv2d", 4, 3, "relu", "first")
    outputs = []
    for module in (network, make_quick(deepcopy(network))):
        with edit(module, layer, after=lambda outputs: outputs + 1):
            outputs.append(module(x))
    assert (outputs[0] - network(x)).abs().min() > 0.5
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-5, atol=1e-5)


def pooled():
    """A network whose activation acts behind a pooling, and images."""
    torch.manual_seed(0)
    parts = nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(128, 4)
    return nn.Sequential(*parts).eval(), drawn(24, 1, 8, 8)


@torch.no_grad()
def test_edits_of_the_output_find_the_activation_behind_a_quick_pooling():
    network, x = pooled()
    layer = NodeLayer("0", "conv2d", 8, 9, "relu", "0")
    for module in (network, quick_copy_of(network, [layer])):
        with edit(module, layer, after=torch.zeros_like):
            torch.testing.assert_close(module(x), network[-1].bias.expand(24, 4))


def test_counts_and_importances_behind_a_pooling_are_those_of_the_plain_network(monkeypatch):
    network, x = pooled()
    model, data = load_module(network, (x.numpy(), np.arange(24) % 4))
    layer, options = model.layers[0], AttributionOptions(samples=24, captum_nodes=8, steps=2, repetitions=10)
    edits = [Edit(), *(ablate(node, 0.0) for node in range(8))]
    counts, scores = tally(model, layer, edits, data.train, classes=4), attribute(model, layer, data.train, options)
    monkeypatch.setattr(copies, "make_quick", lambda module: module)
    plain, expected = tally(model, layer, edits, data.train, classes=4), attribute(model, layer, data.train, options)
    assert np.abs(plain.loss - plain.baseline_loss).max() > 1e-3 < np.abs(expected.ablation).max()
    np.testing.assert_array_equal(counts.hits, plain.hits)
    np.testing.assert_allclose(counts.loss, plain.loss, rtol=1e-5)
    np.testing.assert_allclose(scores.ablation, expected.ablation, rtol=1e-4, atol=1e-7)


@torch.no_grad()
def test_modes_see_the_calls_of_quick_parts_as_torchs():
    seen = []

    class Names(Seer):
        def call(self, func, args, kwargs):
            seen.append((function_name(func), call_of(function_name(func), args, kwargs)))
            return func(*args, **kwargs)

    network = make_quick(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(1), nn.MaxPool2d(2, padding=1)))
    with Names(), Names():
        network(drawn(2, 8, 2, 2))
    assert [name for name, _ in seen if "2d" in name] == [
        name for name in ("conv2d", "max_pool2d", "max_pool2d") for _ in range(2)
    ]
    assert seen[[name for name, _ in seen].index("conv2d")][1].key is network[0].weight


def test_parts_stay_where_a_layer_is_a_call():
    network = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1))
    assert isinstance(quick_copy_of(network, [NodeLayer("0", "conv2d", 2, 18, "identity", "0")])[0], QuickConv2d)
    called = NodeLayer("0.weight", "conv2d", 2, 18, "identity", "0.weight")
    assert type(quick_copy_of(network, [called])[0]) is nn.Conv2d


@pytest.fixture(scope="module")
def given():
    torch.manual_seed(0)
    model, data = load_module(resnet18(num_classes=4).eval(), (drawn(24, 3, 32, 32).numpy(), np.arange(24) % 4))
    return model, data.train


@pytest.mark.parametrize("threads", [1, 2])
def test_counts_and_importances_are_those_of_the_plain_network(given, monkeypatch, threads):
    model, split = given
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    options = AttributionOptions(samples=24, captum_nodes=6, steps=2, repetitions=10, single_nodes=6)
    found = {}
    try:
        for quick in (True, False):
            if not quick:
                monkeypatch.setattr(copies, "make_quick", lambda module: module)
            for layer in (model.layers[0], model.layers[11]):
                edits = [Edit(), *(ablate(node, 0.5) for node in range(5))]
                counts = tally(model, layer, edits, split, classes=4)
                found[quick, layer.name] = counts, attribute(model, layer, split, options)
    finally:
        torch.set_num_threads(before)
    for layer in (model.layers[0], model.layers[11]):
        (ours, scores), (plain, expected) = (found[quick, layer.name] for quick in (True, False))
        np.testing.assert_array_equal(ours.hits, plain.hits)
        np.testing.assert_array_equal(ours.class_hits, plain.class_hits)
        assert ours.loss[0] == ours.baseline_loss, "what changes nothing changes no bit"
        np.testing.assert_allclose(ours.loss, plain.loss, rtol=1e-5)
        for name in ("ablation", "captum_ablation", "conductance"):
            np.testing.assert_allclose(getattr(scores, name), getattr(expected, name), rtol=1e-3, atol=1e-6)

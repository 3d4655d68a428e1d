"""Which rows of z are whose, where some rows are the same for all samples."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_module
from interp.network.hooks import edit, tap
from interp.network.nodes import find_layers
from interp.network.recurrent.unroll import unrolled
from interp.recording import record_activations
from interp.store import open_recording
from interp.types import Dataset, Provenance, Split
from zoo.layers import OffsetL2

ORDERS = {"batch first": "samples", "positions first": "positions-first", "samples in a row": "folded"}
ORDERS |= {"positions in a row": "positions-first"}
"""Order of the rows that a layer reads -> its layout; in a row, samples and positions are one axis."""


class Tokens(nn.Module):
    """A map of the positions of each sample, some of which are learned.

    Parameters
    ----------
    varies
        Positions that hold the sample.
    count
        Number of positions.
    order
        One of `ORDERS`.
    look
        Map from 3 values to 5.
    """

    def __init__(self, varies, count, order, look):
        super().__init__()
        self.varies, self.order = list(varies), order
        self.learned = nn.Parameter(torch.randn(count, 3))
        self.look, self.head = look, nn.Linear(5, 4)

    def positions(self, x):
        """Give all positions of samples (B, T, 3)."""
        rows = self.learned.repeat(len(x), 1, 1)
        rows[:, self.varies] = x
        return rows

    def forward(self, x):
        axis = 0 if "positions" in self.order else 1  # that of the positions
        rows = self.positions(x).transpose(0, 1 - axis)
        z = self.look(rows.flatten(0, 1)).unflatten(0, rows.shape[:2]) if "row" in self.order else self.look(rows)
        return self.head(z.mean(axis))


def made(varies, count, order, look=nn.Linear):
    torch.manual_seed(0)
    return Tokens(varies, count, order, look(3, 5)).eval()


def layouts(net, x):
    return {layer.name: layer.layout for layer in find_layers(net, x).layers}


VARIES = {
    "one token before one patch": ([1], 2),
    "one token before four patches": ([1, 2, 3, 4], 5),
    "two tokens before two patches": ([2, 3], 4),
    "tokens on both sides": ([1], 3),
    "a token behind": ([0], 2),
    "every third": ([0, 3], 4),
    "every sixth": ([0, 6], 7),
    "none": ([], 2),
    "all": ([0, 1], 2),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("varies", VARIES)
@torch.no_grad()
def test_positions_that_are_learned_belong_to_every_sample(varies, order):
    varies, count = VARIES[varies]
    net = made(varies, count, order)
    x = torch.randn(3, len(varies), 3)
    assert layouts(net, x)["look"] == ORDERS[order]
    (layer,) = (layer for layer in find_layers(net, x).layers if layer.name == "look")
    with tap(net, [layer]) as seen:
        net(x)
    torch.testing.assert_close(seen["look"], net.look(net.positions(x)), atol=1e-6, rtol=1e-5)
    first = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    plain = net(x)
    with edit(net, layer, before=lambda z: z + first):
        moved = net(x) - plain
    torch.testing.assert_close(moved[1:], torch.zeros(2, 4), atol=1e-6, rtol=0)
    torch.testing.assert_close(moved[0], net.head.weight.sum(1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("order", ["batch first", "positions first"])
def test_values_of_a_class_token_and_one_patch_are_recorded_whole(order, tmp_path):
    net = made([1], 2, order)
    rng = np.random.default_rng(0)
    splits = {"train": Split(rng.normal(size=(7, 3)).astype(np.float32), None)}
    model, data = load_module(net, Dataset("drawn", splits, (1, 3), (), (), "d" * 64), LoadOptions(scaling="raw"))
    record_activations(model, data, tmp_path / "activations.h5", Provenance("m" * 64, "d" * 64, 0, {}, {}))
    kept = []
    handle = net.look.register_forward_hook(lambda part, inputs, output: kept.append(output))
    with torch.no_grad():
        net(torch.from_numpy(splits["train"].inputs)[:, None])
    handle.remove()
    z = kept[0] if order == "batch first" else kept[0].transpose(0, 1)
    with open_recording(tmp_path / "activations.h5") as recording:
        sample, position = recording.sample["look"], recording.position["look"]
        rows = np.asarray(recording.z["look"])
        assert set(np.unique(position)) == {0, 1}
    np.testing.assert_allclose(rows, z.numpy()[sample, position], atol=1e-6)


class Frames(nn.Module):
    """A convolution of two images a sample, the first of which is learned."""

    def __init__(self, positions_first):
        super().__init__()
        self.first, self.learned = positions_first, nn.Parameter(torch.randn(1, 2, 5, 5))
        self.conv, self.head = nn.Conv2d(2, 3, 3), nn.Linear(3, 4)

    def forward(self, x):
        frames = torch.stack([self.learned.expand_as(x), x], 0 if self.first else 1)
        z = self.conv(frames.flatten(0, 1)).mean((2, 3))
        return self.head(z.unflatten(0, frames.shape[:2]).mean(0 if self.first else 1))


@torch.no_grad()
def test_a_learned_image_beside_one_of_the_sample():
    x = torch.randn(2, 2, 5, 5)
    assert layouts(Frames(False).eval(), x)["conv"] == "folded"
    found = find_layers(Frames(True).eval(), x)
    assert [layer.name for layer in found.layers] == ["head"]
    assert found.skipped["conv"] == "conv2d: its rows belong to no one sample"


class OfItsOwn(nn.Module):
    """A map of what is learned alone, as many rows as two samples have, or a row for each of them."""

    def __init__(self, *shape):
        super().__init__()
        self.learned = nn.Parameter(torch.randn(*shape, 3))
        self.look, self.inwards, self.head = nn.Linear(3, 5), nn.Linear(3, 5), nn.Linear(5, 4)

    def forward(self, x):
        return self.head(self.inwards(x) + self.look(self.learned).mean())


@pytest.mark.parametrize("shape", [(), (1,), (2,), (4,), (1, 2), (2, 2), (2, 3), (1, 3, 4)])
@torch.no_grad()
def test_what_does_not_grow_with_the_samples_belongs_to_none(shape):
    found = find_layers(OfItsOwn(*shape).eval(), torch.randn(2, 3))
    assert [layer.name for layer in found.layers] == ["inwards", "head"]
    assert found.skipped["look"] == "linear: its rows belong to no one sample"


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
@torch.no_grad()
def test_samples_whose_values_are_the_same_are_told_from_positions(value):
    for order in ("batch first", "positions first"):  # rows in a row that are all the same are in any order
        net = made([0, 1], 3, order)
        net.look.weight.zero_()
        net.look.bias.fill_(value)
        assert layouts(net, torch.zeros(2, 2, 3))["look"] == ORDERS[order]


@pytest.mark.parametrize("order", [order for order in ORDERS if "row" in order])
@torch.no_grad()
def test_distances_are_laid_out_as_linear_maps_are(order):
    net = made([1], 2, order, OffsetL2)
    x = torch.randn(3, 1, 3)
    layer = find_layers(net, x).layers[0]
    assert (layer.name, layer.kind, layer.layout) == ("look", "offset-l2", ORDERS[order])
    with tap(net, [layer]) as seen:
        net(x)
    expected = net.look(net.positions(x).flatten(0, 1)).unflatten(0, (3, 2))
    torch.testing.assert_close(seen["look"], expected, atol=1e-6, rtol=1e-5)
    with edit(net, layer, before=lambda z: z + 0, after=lambda y: y + 0):
        torch.testing.assert_close(net(x), net(x))


class Remembers(nn.Module):
    """A recurrent layer whose first step is learned; its steps are those of a sample or, by mistake, the samples."""

    def __init__(self, batch_first):
        super().__init__()
        self.start, self.rnn = nn.Parameter(torch.randn(1, 1, 3)), nn.LSTM(3, 4, batch_first=batch_first)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.rnn(torch.cat([self.start.expand(len(x), 1, 3), x], 1))[0][:, -1])


@torch.no_grad()
def test_samples_that_a_recurrent_layer_takes_for_steps_are_not_mixed_up():
    found = find_layers(unrolled(Remembers(True).eval()), torch.randn(2, 1, 3))
    gates = [f"rnn.l0.{gate}" for gate in ("input", "forget", "cell", "output", "hidden")]
    assert [layer.name for layer in found.layers] == [*gates, "head"]
    found = find_layers(unrolled(Remembers(False).eval()), torch.randn(2, 1, 3))
    assert [layer.name for layer in found.layers] == ["head"]

"""Linear maps that no module's hook sees: attention, functional calls, norms with an activation, sequences first."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from interp.network.hooks import edit, tap
from interp.network.maps.affine import affine_map
from interp.network.maps.read import read_by
from interp.network.nodes import find_layers, rows_of_nodes


class Block(nn.Module):
    """A transformer block, samples on axis 0 or 1."""

    def __init__(self, batch_first):
        super().__init__()
        self.first = batch_first
        self.inwards = nn.Linear(3, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
        self.norm, self.up, self.down, self.head = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 4)

    def forward(self, x):
        x = self.inwards(x if self.first else x.transpose(0, 1))
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = x + self.down(F.gelu(self.up(self.norm(x))))
        return self.head(x.mean(1 if self.first else 0))


class Windows(nn.Module):
    """Linear maps of own parameters, on windows of each sample folded into the first axis."""

    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(5, 4)), nn.Parameter(torch.randn(5))
        self.unused, self.matrix = nn.Linear(5, 5), nn.Parameter(torch.randn(5, 2))

    def forward(self, x):
        z = F.linear(x.reshape(len(x) * 3, 2, 4), self.w, self.b)
        return (
            (F.relu(F.linear(z, weight=self.unused.weight, bias=self.unused.bias)) @ self.matrix)
            .reshape(len(x), 6, 2)
            .sum(1)
        )


class Together(nn.BatchNorm2d):
    """A norm whose module applies the activation, as timm's do."""

    def forward(self, x):
        return F.relu(super().forward(x))


class Standardised(nn.Conv2d):
    """Weights changed on the fly and padding that the module adds itself."""

    def forward(self, x):
        weight = self.weight / self.weight.std()
        return F.conv2d(F.pad(x, (1, 0, 2, 1)), weight, self.bias, self.stride)


class Doubled(nn.Linear):
    """More than its weights say."""

    def forward(self, x):
        return super().forward(x) ** 2


def made(kind):
    torch.manual_seed(0)
    return kind().eval()


NETWORKS = {
    "batch first": (lambda: Block(True), (5, 3)),
    "sequence first": (lambda: Block(False), (5, 3)),
    "encoder layer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (5, 8)),
    "windows": (Windows, (6, 4)),
    "norm with activation": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), Together(3), nn.Conv2d(3, 2, 1)), (2, 6, 6)),
    "standardised": (lambda: nn.Sequential(Standardised(2, 3, 3, stride=2), nn.ReLU()), (2, 7, 6)),
}


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_z_is_the_weights_times_what_is_read_sample_by_sample(name):
    kind, shape = NETWORKS[name]
    net, x = made(kind), torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    layers = find_layers(net, x).layers
    assert layers
    for layer in layers:
        weight, bias = affine_map(net, layer, x)
        with tap(net, [layer]) as all_samples:
            net(x)
        with tap(net, [layer]) as one_sample:
            net(x[1:2])
        z = rows_of_nodes(all_samples[layer.name], layer.kind).numpy()
        count = len(z) // 3
        own = rows_of_nodes(one_sample[layer.name], layer.kind).numpy()
        np.testing.assert_allclose(z[count : 2 * count], own, atol=1e-5)
        index, position = torch.arange(3).repeat_interleave(count), torch.arange(count).repeat(3)
        read = read_by(net, layer, x).rows(3, index, position).numpy()
        np.testing.assert_allclose(read @ weight.T + bias, z, atol=1e-5)


@torch.no_grad()
def test_attention_is_covered_and_what_is_not_is_listed():
    found = find_layers(made(lambda: Block(False)), torch.randn(2, 5, 3))
    described = [(layer.name, layer.activation, layer.layout) for layer in found.layers]
    assert described == [
        ("inwards", "identity", "positions-first"),
        ("attention.in_proj", "identity", "positions-first"),
        ("attention.out_proj", "identity", "positions-first"),
        ("up", "gelu", "positions-first"),
        ("down", "identity", "positions-first"),
        ("head", "identity", "samples"),
    ]
    assert found.skipped == {"norm": "LayerNorm is no linear map that interp knows"}
    windows = find_layers(made(Windows), torch.randn(2, 6, 4))
    assert [(layer.name, layer.layout) for layer in windows.layers] == [("w", "folded"), ("unused", "folded")]
    assert windows.skipped == {"(network)": "Windows: matrix belong to no linear map that interp knows"}


@torch.no_grad()
def test_a_norm_with_an_activation_is_folded():
    net = made(NETWORKS["norm with activation"][0])
    layer = find_layers(net, torch.randn(2, 2, 6, 6)).layers[0]
    assert (layer.activation, layer.tap) == ("relu", "1.running_mean")


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_an_edit_sees_samples_first_and_puts_values_back(name):
    kind, shape = NETWORKS[name]
    net, x = made(kind), torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    for layer in find_layers(net, x).layers:
        seen = []
        with edit(net, layer, before=lambda z, seen=seen: seen.append(len(z)) or z + 0, after=lambda y: y + 0):
            same = net(x)
        assert seen == [3]
        torch.testing.assert_close(same, net(x), atol=1e-6, rtol=1e-5)
        mask = torch.tensor([1.0, 0.0, 1.0])
        with edit(net, layer, before=lambda z, mask=mask: z * mask.view(-1, *(1 for _ in z.shape[1:]))):
            changed = net(x)
        torch.testing.assert_close(changed[[0, 2]], same[[0, 2]], atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_module_that_does_more_than_multiply_has_no_map():
    net = made(lambda: nn.Sequential(Doubled(4, 3)))
    x = torch.randn(4, 4)
    assert affine_map(net, find_layers(net, x).layers[0], x) is None

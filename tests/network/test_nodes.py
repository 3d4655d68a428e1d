import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from interp.network.hooks import tap
from interp.network.kinds import node_kind
from interp.network.maps.affine import affine_map
from interp.network.maps.read import read_by
from interp.network.nodes import find_layers, rows_of_nodes
from zoo.layers import Abs, OffsetL2


class Functional(nn.Module):
    """Activations without modules, one of them in place, and a head."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 5), nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, x):
        hidden = F.relu(self.first(x))
        return F.log_softmax(self.head(self.second(hidden).abs_()), dim=1)


class Reused(nn.Module):
    """One activation module for two layers, one linear map called twice, one never."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.twice, self.never = (nn.Linear(6, 6) for _ in range(4))
        self.act = nn.ReLU(inplace=True)
        self.rnn = nn.GRU(6, 6, batch_first=True)

    def forward(self, x):
        x = self.act(self.b(self.act(self.a(x))))
        x = self.twice(self.twice(x))
        return self.rnn(x[:, None])[0][:, 0]


def described(structure):
    return [
        (layer.name, layer.kind, layer.nodes, layer.inputs, layer.activation, layer.tap) for layer in structure.layers
    ]


def find(module, *shape):
    return find_layers(module.eval(), torch.randn(3, *shape, generator=torch.Generator().manual_seed(0)))


def test_functional_activations_are_found():
    found = find(Functional(), 6)
    assert described(found) == [
        ("first", "linear", 5, 6, "relu", "first"),
        ("second", "linear", 4, 5, "abs", "second"),
        ("head", "linear", 3, 4, "identity", "head"),
    ]
    assert found.output == "log-softmax"
    assert found.skipped == {}


def test_reused_modules_and_what_is_not_covered():
    found = find(Reused(), 6)
    assert [(layer.name, layer.activation) for layer in found.layers] == [("a", "relu"), ("b", "relu")]
    assert found.skipped == {
        "twice": "Linear runs 2 times, so it has no one value of z",
        "never": "Linear was not called",
        "rnn": "GRU is no linear map that interp knows",
    }


class OneChannel(nn.Conv1d):
    """Takes rows as one channel, and gives rows, as Toeplitz layers do."""

    def forward(self, x):
        return super().forward(x[:, None]).squeeze(1)


def test_a_convolution_whose_class_drops_its_channels_is_named():
    found = find(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), OneChannel(1, 1, 3)), 6)
    assert [layer.name for layer in found.layers] == ["0"]
    assert found.skipped == {"2": "conv1d whose outputs have 2 axes, not 3"}


def test_batch_norm_is_the_tap_only_where_it_precedes_the_activation():
    before = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    after = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2))
    assert find(before, 6).layers[0].tap == "1"
    assert find(before, 6).skipped == {}
    assert find(after, 6).layers[0].tap == "0"
    assert list(find(after, 6).skipped) == ["2"]


@pytest.mark.parametrize(
    ("tail", "form"),
    [
        ([], "linear"),
        ([nn.ReLU()], "activation"),
        ([nn.LogSoftmax(1)], "log-softmax"),
        ([nn.Softmax(1)], "softmax"),
        ([nn.Sigmoid()], "sigmoid"),
    ],
)
def test_output_forms(tail, form):
    assert find(nn.Sequential(nn.Linear(4, 3), *tail), 4).output == form


class Heads(nn.Module):
    """Two heads, of which the second runs last; one of their values is given."""

    def __init__(self, given):
        super().__init__()
        self.first, self.second, self.given = nn.Linear(4, 3), nn.Linear(4, 2), given

    def forward(self, x):
        first, second = self.first(x), self.second(x)
        values = {
            "z": first,
            "softmax": first.softmax(1).unsqueeze(2).reshape(len(x), -1),
            "sigmoid": torch.sigmoid(first),
            "negated": -first,
            "last z": second / 2,
            "last softmax": second.softmax(1),
            "last log-softmax": torch.log_softmax(second, 1),
        }
        return values[self.given]


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("z", "linear"),
        ("softmax", "softmax"),
        ("sigmoid", "sigmoid"),
        ("negated", "negated"),
        ("last z", "linear"),
        ("last softmax", "softmax"),
        ("last log-softmax", "log-softmax"),
    ],
)
def test_form_is_that_of_the_output_that_is_given(given, form):
    """What is computed beside it, of its own layer or of another that runs later, is no form of it."""
    assert find(Heads(given), 4).output == form


def test_negated_outputs_and_distances():
    class Negated(nn.Module):
        def __init__(self, last, active):
            super().__init__()
            self.last, self.active = last, active

        def forward(self, x):
            return -torch.abs(self.last(x)) if self.active else -self.last(x)

    assert find(Negated(nn.Linear(4, 3), True), 4).output == "negated-activation"
    assert find(Negated(nn.Linear(4, 3), False), 4).output == "negated"
    assert find(Negated(OffsetL2(4, 3), False), 4).output == "negated-distance"
    assert find(OffsetL2(4, 3), 4).output == "distance"


def test_activation_written_by_hand_is_custom():
    class Swish(nn.Module):
        def forward(self, z):
            return z * z.sigmoid()

    assert find(nn.Sequential(nn.Linear(4, 3), Swish(), nn.Linear(3, 2)), 4).layers[0].activation == "custom"


class TwoHeads(nn.Module):
    """A head that is given, and one of which something is made that is not."""

    def __init__(self, last):
        super().__init__()
        self.body, self.given, self.other, self.last = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 5), last

    def forward(self, x):
        hidden = self.body(x).relu()
        self.last(self.other(hidden))
        return self.given(hidden)


@pytest.mark.parametrize(("last", "activation"), [
    (nn.Identity(), "identity"),
    (nn.Tanh(), "tanh"),
    (nn.ReLU(inplace=True), "relu"),
    (nn.Sequential(nn.Flatten(), nn.Sigmoid(), nn.Flatten()), "sigmoid"),
    (nn.Softmax(1), "identity"),
    (lambda z: (z.relu(), z.tanh()), "custom"),
])  # fmt: skip
def test_nodes_of_a_head_that_is_not_given_have_the_activation_that_is_there(last, activation):
    found = find(TwoHeads(last), 4)
    assert {layer.name: layer.activation for layer in found.layers} == {
        "body": "relu",
        "given": "identity",
        "other": activation,
    }
    assert found.output == "linear"


def test_nodes_that_are_read_outside_of_torch_are_not_taken_for_unread():
    class Outside(TwoHeads):
        def forward(self, x):
            hidden = self.body(x).relu()
            values = self.other(hidden).numpy()
            return self.given(hidden) + torch.from_numpy(np.cumsum(values, 1)[:, :3].copy())

    assert {layer.name: layer.activation for layer in find(Outside(nn.Identity()), 4).layers}["other"] == "custom"


def test_a_node_keeps_its_activation_through_pooling_and_flattening():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Flatten(), Abs(), nn.Linear(12, 2))
    found = find(net, 1, 6, 6).layers
    assert [(layer.kind, layer.nodes, layer.inputs, layer.activation) for layer in found] == [
        ("conv2d", 3, 9, "abs"),
        ("linear", 2, 12, "identity"),
    ]


def test_layers_are_found_where_values_are_not_numbers():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        net[0].bias.fill_(torch.nan)
    assert [layer.name for layer in find(net, 4).layers] == ["0", "2"]


def test_subclasses_have_the_kind_of_their_base():
    class Mine(nn.Linear):
        pass

    assert node_kind(Mine(2, 2)).name == "linear"
    assert node_kind(OffsetL2(2, 2)).name == "offset-l2"
    assert node_kind(nn.ReLU()) is None


def test_watching_leaves_no_hook_and_no_mode_behind_even_after_an_error():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = nn.Linear(4, 3)

        def forward(self, x):
            self.part(x)
            raise RuntimeError("in mid-forward")

    net = Broken()
    with pytest.raises(RuntimeError, match="in mid-forward"):
        find(net, 4)
    assert not net.part._forward_hooks
    assert torch.overrides._get_current_function_mode() is None


CONVOLUTIONS = {
    "plain": (nn.Conv2d(2, 4, 3), (2, 7, 8)),
    "strided, padded, dilated": (nn.Conv2d(2, 4, (3, 2), stride=2, padding=(2, 1), dilation=2), (2, 9, 8)),
    "same": (nn.Conv2d(2, 4, (3, 5), padding="same"), (2, 7, 8)),
    "circular": (nn.Conv2d(2, 4, 3, padding=(1, 2), padding_mode="circular"), (2, 7, 8)),
    "groups": (nn.Conv2d(4, 6, 3, groups=2), (4, 7, 7)),
    "depthwise": (nn.Conv2d(3, 6, 3, groups=3, bias=False), (3, 7, 7)),
    "volume": (nn.Conv3d(2, 3, (2, 3, 2), stride=(1, 2, 1), padding=1, groups=1), (2, 4, 5, 6)),
    "transposed": (nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1), (2, 4, 5)),
    "transposed in groups": (nn.ConvTranspose2d(4, 6, (2, 3), stride=3, groups=2, dilation=2, bias=False), (4, 3, 4)),
    "transposed sequence": (nn.ConvTranspose1d(3, 4, 4, stride=2), (3, 6)),
    "sequence": (nn.Conv1d(3, 4, 3, stride=2, padding=1), (3, 9)),
    "sequence in groups": (nn.Conv1d(4, 4, 3, groups=2, dilation=2, padding="same", padding_mode="reflect"), (4, 9)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("norm", [False, True])
def test_z_is_the_weights_times_what_a_node_reads(name, norm):
    part, shape = CONVOLUTIONS[name]
    torch.manual_seed(0)
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}[len(shape)]
    net = nn.Sequential(part, learned(kind(part.out_channels))) if norm else nn.Sequential(part)
    check_affine(net.eval(), torch.randn(3, *shape))


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_batch_norm_is_folded_into_linear_nodes(affine, bias):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 4, bias=bias), learned(nn.BatchNorm1d(4, affine=affine)))
    check_affine(net.eval(), torch.randn(20, 6))


def learned(norm):
    with torch.no_grad():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        if norm.affine:
            norm.weight.normal_()
            norm.bias.normal_()
    return norm


@torch.no_grad()
def check_affine(net, x):
    layer = find_layers(net, x).layers[0]
    weight, bias = affine_map(net, layer, x)
    with tap(net, [layer]) as values:
        net(x)
    z = rows_of_nodes(values[layer.name], layer.kind).numpy()
    count = len(z) // len(x)
    index, position = torch.arange(len(x)).repeat_interleave(count), torch.arange(count).repeat(len(x))
    read = read_by(net, layer, x).rows(len(x), index, position).numpy()
    assert read.shape == (len(z), layer.inputs)
    assert weight.shape == (layer.nodes, layer.inputs)
    np.testing.assert_allclose(read @ weight.T + bias, z, atol=2e-6)


def test_a_distance_has_no_weights():
    net = nn.Sequential(OffsetL2(4, 3))
    assert affine_map(net, find(net, 4).layers[0], torch.randn(2, 4)) is None


def test_rows_run_over_positions_within_samples():
    z = torch.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    rows = rows_of_nodes(z, "conv2d")
    assert rows.shape == (8, 3)
    assert rows[5].tolist() == z[1, :, 0, 1].tolist()
    assert rows_of_nodes(torch.arange(24).reshape(2, 3, 4), "linear")[4].tolist() == [16, 17, 18, 19]


def test_the_map_of_a_table_of_words_that_is_read_again_is_that_of_its_call():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(7, 4)

        def forward(self, x):
            return F.linear(torch.tanh(self.embed(x.abs().long()).sum(1)), self.embed.weight)

    net, x = Tied().eval(), torch.arange(6.0).view(2, 3)
    (layer,) = find_layers(net, x).layers
    weight, bias = affine_map(net, layer, x)
    np.testing.assert_array_equal(weight, net.embed.weight.detach().double())
    assert not bias.any()
    with torch.no_grad():
        torch.testing.assert_close(read_by(net, layer, x).values, torch.tanh(net.embed(x.long()).sum(1)))


class Keeps(nn.Module):
    """Knows at each run how many of its nodes' values of earlier runs are still in memory."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 3), nn.Linear(3, 2)
        self.earlier, self.alive = [], []

    def forward(self, x):
        self.alive.append(sum(one() is not None for one in self.earlier))
        z = self.fc1(x)
        self.earlier.append(weakref.ref(z))
        return self.fc2(z.relu())


@torch.no_grad()
def test_values_of_a_run_are_let_go_before_the_next():
    net = Keeps().eval()
    assert len(find_layers(net, torch.randn(2, 4)).layers) == 2
    assert len(net.alive) > 1
    assert not any(net.alive)

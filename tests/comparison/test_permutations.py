"""Planted permutations are found again, and permuted networks compute the same."""

import copy
from inspect import signature

import pytest
import torch
from torch import nn
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.vision_transformer import VisionTransformer

from interp.comparison.permutations.apply import permuted, permuted_state, random_permutations
from interp.comparison.permutations.groups import FIXED, find_groups
from interp.comparison.permutations.line import along_the_line
from interp.comparison.permutations.match import match_activity, match_weights
from interp.errors import UsageError
from interp.tasks import CLASSIFICATION


def mlp(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 10), nn.ReLU(),
        nn.Linear(10, 4),
    )  # fmt: skip


def vgg(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, groups=12, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(12 * 4, 20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, 4),
    )  # fmt: skip


def resnet(seed):
    torch.manual_seed(seed)
    network = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=4)
    network.inplanes = 64
    return network


class Small(nn.Module):
    """A residual network with a projection, batch norms and functional calls."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.a, self.b = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.Conv2d(8, 8, 3, padding=1)
        self.norm_a, self.norm_b = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        self.c, self.d, self.skip = nn.Conv2d(8, 12, 3, stride=2), nn.Conv2d(12, 12, 1), nn.Conv2d(8, 12, 3, stride=2)
        self.head = nn.Linear(12, 4)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = torch.relu(x + self.norm_b(self.b(torch.relu(self.norm_a(self.a(x))))))
        x = torch.relu(self.skip(x) + self.d(torch.relu(self.c(x))))
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def small(seed):
    torch.manual_seed(seed)
    return Small()


def vit(seed):
    torch.manual_seed(seed)
    return VisionTransformer(8, 4, num_layers=2, num_heads=3, hidden_dim=12, mlp_dim=20, num_classes=4)


class Attending(nn.Module):
    """Attention written out: queries, keys and values from one map, an order of axes of its own, no class's name."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm = nn.Linear(6, 12), nn.LayerNorm(12)
        self.together, self.back, self.head = nn.Linear(12, 36), nn.Linear(12, 12, bias=False), nn.Linear(12, 4)

    def forward(self, x):
        x = self.embed(x)
        parts = self.together(self.norm(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (3, 4)).transpose(1, 2) for part in parts)
        found = torch.softmax(q @ k.transpose(-1, -2) / 2, dim=-1) @ v
        x = x + self.back(found.transpose(1, 2).flatten(2))
        return self.head(nn.functional.gelu(x).mean(1))


def attending(seed):
    torch.manual_seed(seed)
    return Attending()


class Grouped(nn.Module):
    """Convolutions in groups, a norm of groups, gates from the halves of a layer."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Conv2d(3, 12, 3), nn.Conv2d(12, 24, 3, groups=4), nn.GroupNorm(3, 12)
        self.gate, self.head = nn.Linear(24, 16), nn.Linear(8, 4)

    def forward(self, x):
        x = torch.relu(self.b(torch.relu(self.norm(self.a(x))))).mean((2, 3))
        return self.head(nn.functional.glu(self.gate(x)))


def grouped(seed):
    torch.manual_seed(seed)
    return Grouped()


def densenet(seed):
    torch.manual_seed(seed)
    return DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=6, bn_size=2, num_classes=4)


class UNet(nn.Module):
    """Down and up again; what comes up stands beside what was seen on the way down."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 9, 3, padding=1)
        self.norm, self.rise = nn.BatchNorm2d(6 + 5), nn.ConvTranspose2d(9, 5, 2, stride=2)
        self.up, self.last = nn.Conv2d(6 + 5, 8, 3, padding=1), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        first = torch.relu(self.first(x))
        low = torch.relu(self.second(nn.functional.max_pool2d(first, 2)))
        return self.last(torch.relu(self.up(self.norm(torch.cat([first, self.rise(low)], 1)))))


def unet(seed):
    torch.manual_seed(seed)
    return UNet()


class Branches(nn.Module):
    """Branches beside each other, flattened into a dense layer."""

    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 5, 1), nn.Conv2d(6, 7, 3, padding=1)
        self.norm, self.head = nn.BatchNorm2d(6 + 5 + 7), nn.Linear(18 * 4, 4)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = torch.cat([nn.functional.max_pool2d(x, 3, 1, 1), self.a(x), self.b(x)], 1)
        return self.head(nn.functional.max_pool2d(torch.relu(self.norm(x)), 3).flatten(1))


def branches(seed):
    torch.manual_seed(seed)
    return Branches()


CASES = {
    "mlp": (mlp, (12,)),
    "vgg": (vgg, (3, 8, 8)),
    "residual": (small, (3, 8, 8)),
    "vit": (vit, (3, 8, 8)),
    "attending": (attending, (5, 6)),
    "grouped": (grouped, (3, 8, 8)),
    "densenet": (densenet, (3, 32, 32)),
    "unet": (unet, (3, 8, 8)),
    "branches": (branches, (3, 8, 8)),
}


def varied(network, seed):
    """Give norms statistics and weights of their own, as training does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                for value in (part.weight, part.bias, part.running_mean, part.running_var):
                    value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        for value in network.parameters():  # what begins at 0 or 1 would have nothing to be told apart by
            value += 0.02 * torch.randn(value.shape, generator=generator)
    return network.eval()


GROUPS = {}
"""Function that makes a network -> its groups, which are those of every seed."""


def planted(make, shape, seed, samples=40):
    network = varied(make(seed), seed)
    x = torch.randn(samples, *shape, generator=torch.Generator().manual_seed(seed))
    groups = GROUPS.setdefault(make, None) or find_groups(network, x[:2])
    GROUPS[make] = groups
    orders = random_permutations(groups, seed)
    return network, permuted(network, groups, orders), groups, orders, x


def undoes(network, moved, groups, found):
    """Whether every weight stands where it stood."""
    back = permuted_state(moved.state_dict(), groups, found)
    return all(torch.equal(back[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("case", CASES)
def test_a_permuted_network_computes_the_same_and_differs_in_its_weights(case):
    network, moved, groups, _, x = planted(*CASES[case], seed=0)
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-5)
    for name in groups.pieces:
        assert not torch.equal(network.state_dict()[name], moved.state_dict()[name]), name


@pytest.mark.parametrize("case", CASES)
def test_planted_permutations_are_found_by_weights_100_times_of_100(case):
    for seed in range(100):
        network, moved, groups, _, _ = planted(*CASES[case], seed=seed, samples=2)
        found = match_weights(network.state_dict(), moved.state_dict(), groups)
        assert undoes(network, moved, groups, found), seed


@pytest.mark.parametrize("case", CASES)
def test_planted_permutations_are_found_by_what_nodes_do(case):
    for seed in range(5):
        network, moved, groups, _, x = planted(*CASES[case], seed=seed)
        assert undoes(network, moved, groups, match_activity(network, moved, groups, x)), seed


@pytest.fixture(scope="module")
def narrow():
    """Give a function that makes ResNet-18 an eighth as wide, with fresh weights for each seed."""
    network = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=4)
    for part in list(network.modules()):
        _narrow(part)

    def make(seed):
        generator, made = torch.Generator().manual_seed(seed), copy.deepcopy(network)
        with torch.no_grad():
            for value in made.parameters():
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
        return made

    return make


def _narrow(part, factor=8):
    if isinstance(part, nn.BatchNorm2d):
        part.__init__(part.num_features // factor)
    elif isinstance(part, nn.Linear):
        part.__init__(part.in_features // factor, part.out_features)
    elif isinstance(part, nn.Conv2d):
        inputs = part.in_channels if part.in_channels == 3 else part.in_channels // factor
        said = (part.kernel_size, part.stride, part.padding)
        part.__init__(inputs, part.out_channels // factor, *said, bias=False)


def test_a_narrow_resnet_18_is_found(narrow):
    for seed in range(10):
        network, moved, groups, _, _ = planted(narrow, (3, 32, 32), seed=seed, samples=2)
        found = match_weights(network.state_dict(), moved.state_dict(), groups)
        assert undoes(network, moved, groups, found), seed


def test_a_resnet_18_of_torchvision():
    network, moved, groups, _, x = planted(resnet, (3, 32, 32), seed=0, samples=4)
    assert len(groups.sizes) == 12, "one for each of four stages, and one within each of eight blocks"
    assert sorted(groups.sizes.values()) == sorted([64] * 3 + [128] * 3 + [256] * 3 + [512] * 3)
    assert undoes(network, moved, groups, match_weights(network.state_dict(), moved.state_dict(), groups))
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-4)


def test_a_copy_with_noise_is_found_again_too():
    network, moved, groups, orders, _ = planted(*CASES["mlp"], seed=3)
    with torch.no_grad():
        for value in moved.parameters():
            value += 0.05 * value.std() * torch.randn(value.shape, generator=torch.Generator().manual_seed(1))
    found = match_weights(network.state_dict(), moved.state_dict(), groups)
    assert all(torch.equal(orders[group][order], torch.arange(len(order))) for group, order in found.items())


def test_heads_and_what_lies_within_them():
    """The stream, then in each block: heads, the axis of queries and keys, that of values, and the hidden nodes."""
    groups = find_groups(vit(0).eval(), torch.zeros(2, 3, 8, 8))
    assert groups.sizes == {0: 12, 1: 3, 2: 4, 3: 4, 4: 20, 5: 3, 6: 4, 7: 4, 8: 20}
    assert groups.within == {2: 1, 3: 1, 6: 5, 7: 5}
    stream = {name for name, pieces in groups.pieces.items() if any(0 in piece.groups for piece in pieces)}
    assert {
        "class_token",
        "encoder.pos_embedding",
        "encoder.ln.weight",
        "conv_proj.weight",
        "heads.head.weight",
    } <= stream
    assert groups.held == ()


def test_flattened_positions_move_with_their_channel():
    groups = find_groups(vgg(0).eval(), torch.zeros(2, 3, 8, 8))
    (piece,) = groups.pieces["10.weight"]
    assert (piece.shape, piece.groups) == ((20, 12, 2, 2), (2, 1, FIXED, FIXED))


class Mixing(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.first, self.last, self.how = nn.Linear(6, 4), nn.Linear(4, 2), how

    def forward(self, x):
        return self.last(self.how(self.first(x)))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda z: z.cumsum(1), "the operation cumsum"),
        (lambda z: z.flip(1), "the operation flip"),
        (lambda z: z if z.sum() > 0 else -z, "cannot be followed"),
        (lambda z: z.sort(1).values, "the operation sort"),
    ],
)
def test_what_may_mix_nodes_is_refused(how, said):
    with pytest.raises(UsageError, match=said):
        find_groups(Mixing(how), torch.zeros(2, 6))


@pytest.mark.parametrize(
    "how", [lambda z: z.softmax(1), nn.LayerNorm(4), nn.PReLU(4), lambda z: z * z.mean(1)[:, None]]
)
def test_what_looks_at_all_nodes_alike_is_followed(how):
    network, moved, groups, _, x = planted(lambda seed: Mixing(how), (6,), seed=0)
    assert list(groups.sizes.values()) == [4]
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-5)


WIDTHS = {"a": 4, "b": 6, "c": 6, "d": 4}


class Beside(nn.Module):
    """Layers whose outputs are put beside each other in some way, then one more."""

    def __init__(self, how):
        super().__init__()
        widths = [WIDTHS[name] for name in signature(how).parameters]
        self.layers, self.how = nn.ModuleList([nn.Linear(6, width) for width in widths]), how
        self.head = nn.Linear(how(*(torch.zeros(1, width) for width in widths)).shape[1], 2)

    def forward(self, x):
        return self.head(self.how(*(torch.tanh(one(x)) for one in self.layers)))


def _beside(*values):
    return torch.cat(values, 1)


@pytest.mark.parametrize(
    ("how", "sizes"),
    [
        (lambda a, b, c, d: _beside(a, b, c, d), [4, 6, 6, 4]),
        (lambda a, b, c, d: _beside(a, _beside(b, c), d), [4, 6, 6, 4]),
        (lambda a, b: _beside(a, -a, b), [4, 6]),
        (lambda a, b, c, d: _beside(a, b) + _beside(c, d), [4, 2, 4]),
        (lambda a, b, c, d: _beside(a, b) * _beside(d, c), [4, 6]),
        (lambda a, b, c: _beside(a, b, c)[:, 4:16], [4, 6, 6]),
        (lambda a, b, c: _beside(a, b, c)[:, 4:10] + c, [4, 6]),
        (lambda a, b, d: torch.split(_beside(a, b, d), [4, 10], 1)[1], [4, 6, 4]),
        (lambda b, d: _beside(*b.chunk(2, 1), d), [3, 3, 4]),
        (lambda a, d: _beside(a, d).chunk(2, 1)[0] + d, [4]),
    ],
)
def test_layers_put_beside_each_other_keep_an_order_each(how, sizes):
    network, moved, groups, _, x = planted(lambda seed: Beside(how), (6,), seed=0)
    assert sorted(groups.sizes.values()) == sorted(sizes)
    assert groups.held == ()
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-5)
    assert undoes(network, moved, groups, match_weights(network.state_dict(), moved.state_dict(), groups))


@pytest.mark.parametrize(
    "how",
    [
        lambda a, b: _beside(a, b).reshape(-1, 2, 5).transpose(1, 2).flatten(1),  # shuffled channels
        lambda a, b: _beside(a, b)[:, 2:8],
        lambda a, b: _beside(a, b)[:, ::2],
    ],
)
def test_what_cannot_be_moved_stays_and_is_said(how):
    network, moved, groups, _, x = planted(lambda seed: Deeper(how), (6,), seed=0)
    assert list(groups.sizes.values()) == [7]
    assert groups.held[0].startswith("the operation ")
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("how", [lambda a, b: _beside(a, b).flip(1), lambda a, b: _beside(a, b)[:, 1:7]])
def test_where_nothing_is_left_to_move_it_is_refused(how):
    with pytest.raises(UsageError, match="the operation"):
        find_groups(Beside(how), torch.zeros(2, 6))


class Deeper(Beside):
    """One more layer that can be moved."""

    def __init__(self, how):
        super().__init__(how)
        self.head = nn.Sequential(nn.Linear(self.head.in_features, 7), nn.Tanh(), nn.Linear(7, 2))


def test_shared_weights_move_under_each_of_their_names():
    layer = nn.Linear(5, 5)
    network = nn.Sequential(nn.Linear(4, 5), layer, nn.ReLU(), layer, nn.ReLU(), nn.Linear(5, 2)).eval()
    x = torch.randn(8, 4)
    groups = find_groups(network, x)
    moved = permuted(network, groups, random_permutations(groups, 1))
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-5)
    assert not torch.equal(moved[0].weight, network[0].weight)


def test_the_line_between_a_network_and_its_permuted_copy_is_flat_once_aligned():
    network, moved, groups, _, x = planted(*CASES["vgg"], seed=1)
    with torch.no_grad():
        labels = network(x).argmax(1)
    scorer = CLASSIFICATION.scorer(labels.numpy(), None)
    back = permuted(moved, groups, match_weights(network.state_dict(), moved.state_dict(), groups))
    aligned = along_the_line(network, back, x, labels, scorer, "linear", (0.0, 1.0))
    assert aligned[0][1] == pytest.approx(aligned[1][1], abs=1e-5)
    given = along_the_line(network, copy.deepcopy(network), x, labels, scorer, "linear")
    assert [place for place, _, _ in given] == [place / 10 for place in range(11)]
    assert given[0][2] == given[-1][2] == 1

"""Planted permutations are found again, and permuted networks compute the same."""

import copy

import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

from interp.comparison.permutations.apply import permuted, random_permutations
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


CASES = {"mlp": (mlp, (12,)), "vgg": (vgg, (3, 8, 8)), "residual": (small, (3, 8, 8))}


def varied(network, seed):
    """Give norms statistics and weights of their own, as training does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                for value in (part.weight, part.bias, part.running_mean, part.running_var):
                    value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return network.eval()


def planted(make, shape, seed, samples=40):
    network = varied(make(seed), seed)
    x = torch.randn(samples, *shape, generator=torch.Generator().manual_seed(seed))
    groups = find_groups(network, x[:2])
    orders = random_permutations(groups, seed)
    return network, permuted(network, groups, orders), groups, orders, x


def undoes(found, orders):
    return all(torch.equal(orders[group][order], torch.arange(len(order))) for group, order in found.items())


@pytest.mark.parametrize("case", CASES)
def test_a_permuted_network_computes_the_same_and_differs_in_its_weights(case):
    network, moved, groups, _, x = planted(*CASES[case], seed=0)
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-5)
    for axis in groups.axes:
        assert not torch.equal(network.state_dict()[axis.name], moved.state_dict()[axis.name]), axis


@pytest.mark.parametrize("case", CASES)
def test_planted_permutations_are_found_by_weights_100_times_of_100(case):
    for seed in range(100):
        network, moved, groups, orders, _ = planted(*CASES[case], seed=seed, samples=2)
        assert undoes(match_weights(network.state_dict(), moved.state_dict(), groups), orders), seed


@pytest.mark.parametrize("case", CASES)
def test_planted_permutations_are_found_by_what_nodes_do(case):
    for seed in range(20):
        network, moved, groups, orders, x = planted(*CASES[case], seed=seed)
        assert undoes(match_activity(network, moved, groups, x), orders), seed


def test_a_resnet_18_of_torchvision(monkeypatch):
    network, moved, groups, orders, x = planted(resnet, (3, 32, 32), seed=0, samples=4)
    assert len(groups.sizes) == 12, "one for each of four stages, and one within each of eight blocks"
    assert sorted(groups.sizes.values()) == sorted([64] * 3 + [128] * 3 + [256] * 3 + [512] * 3)
    assert undoes(match_weights(network.state_dict(), moved.state_dict(), groups), orders)
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), atol=1e-5, rtol=1e-4)


def test_a_copy_with_noise_is_found_again_too():
    network, moved, groups, orders, _ = planted(*CASES["mlp"], seed=3)
    with torch.no_grad():
        for value in moved.parameters():
            value += 0.05 * value.std() * torch.randn(value.shape, generator=torch.Generator().manual_seed(1))
    assert undoes(match_weights(network.state_dict(), moved.state_dict(), groups), orders)


def test_flattened_positions_move_with_their_channel():
    groups = find_groups(vgg(0).eval(), torch.zeros(2, 3, 8, 8))
    assert [(axis.name, axis.axis, axis.block) for axis in groups.axes if axis.block > 1] == [("10.weight", 1, 4)]
    assert all(axis.group != FIXED for axis in groups.axes)


class Mixing(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.first, self.last, self.how = nn.Linear(6, 4), nn.Linear(4, 2), how

    def forward(self, x):
        return self.last(self.how(self.first(x)))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda z: z.softmax(1), "softmax"),
        (lambda z: z.flip(1), "flip"),
        (lambda z: z if z.sum() > 0 else -z, "cannot be followed"),
        (nn.LayerNorm(4), "LayerNorm"),
    ],
)
def test_what_may_mix_nodes_is_refused(how, said):
    with pytest.raises(UsageError, match=said):
        find_groups(Mixing(how), torch.zeros(2, 6))


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

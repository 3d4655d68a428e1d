"""How often planted permutations of nodes are found again, by weights and by what nodes do.

OMP_WAIT_POLICY=passive python benchmarks/permutations.py [--seeds 100] [--cases mlp vgg …] [--out permutations-results]

Networks with random weights are copied with the nodes of every group in a random order. Found is a permutation where
every weight stands in its place again, to the last bit. What is finished is in OUT and is not done again. The last line
is one JSON object: case -> seeds, found by weights, found by what nodes do, largest change of an output of the
permuted copy relative to the largest output.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.vision_transformer import VisionTransformer

from interp.comparison.permutations.apply import permuted, permuted_state, random_permutations
from interp.comparison.permutations.groups import Groups, find_groups
from interp.comparison.permutations.match import match_activity, match_weights
from zoo.finished import add_finished, read_finished


def mlp() -> nn.Module:
    """Give a perceptron with batch norm."""
    hidden = (nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 32), nn.Tanh())
    return nn.Sequential(*hidden, nn.Linear(32, 10))


def vgg() -> nn.Module:
    """Give convolutions with batch norm and pooling, flattened into dense layers."""
    first = (nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
    second = (nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(24 * 64, 32), nn.ReLU(), nn.Linear(32, 10))


def resnet18() -> nn.Module:
    """Give torchvision's ResNet-18 at its full width."""
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes=10)


def vit() -> nn.Module:
    """Give torchvision's vision transformer with two blocks of four heads."""
    return VisionTransformer(32, 8, num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64, num_classes=10)


class Dense(nn.Module):
    """Dense blocks as DenseNet has them: every layer sees the channels of all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1)
        self.first = nn.ModuleList([self._layer(12 + 6 * i) for i in range(3)])
        self.between = nn.Sequential(nn.BatchNorm2d(30), nn.ReLU(), nn.Conv2d(30, 14, 1), nn.AvgPool2d(2))
        self.second = nn.ModuleList([self._layer(14 + 6 * i) for i in range(2)])
        self.last = nn.Sequential(
            nn.BatchNorm2d(26), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(26, 10)
        )

    @staticmethod
    def _layer(channels: int) -> nn.Module:
        narrow = (nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 16, 1))
        return nn.Sequential(*narrow, nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 6, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Give logits (B, 10) of images (B, 3, H, W)."""
        x = self.stem(x)
        for layer in self.first:
            x = torch.cat([x, layer(x)], 1)
        x = self.between(x)
        for layer in self.second:
            x = torch.cat([x, layer(x)], 1)
        return self.last(x)


class UNet(nn.Module):
    """Down and up again, with what was seen on the way down beside what comes up; gives values for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([self._layer(3, 8), self._layer(8, 12), self._layer(12, 16)])
        self.rise = nn.ModuleList([nn.ConvTranspose2d(16, 10, 2, stride=2), nn.ConvTranspose2d(14, 9, 2, stride=2)])
        self.up = nn.ModuleList([self._layer(10 + 12, 14), self._layer(9 + 8, 11)])
        self.last = nn.Conv2d(11, 4, 1)

    @staticmethod
    def _layer(channels: int, wide: int) -> nn.Module:
        first = (nn.Conv2d(channels, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU())
        return nn.Sequential(*first, nn.Conv2d(wide, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Give values (B, 4, H, W) of images (B, 3, H, W)."""
        first = self.down[0](x)
        second = self.down[1](nn.functional.max_pool2d(first, 2))
        x = self.down[2](nn.functional.max_pool2d(second, 2))
        x = self.up[0](torch.cat([self.rise[0](x), second], 1))
        return self.last(self.up[1](torch.cat([self.rise[1](x), first], 1)))


class Inception(nn.Module):
    """Branches of several widths beside each other, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.first, self.second = self._branches(8), self._branches(18)
        self.last = nn.Linear(18 * 16, 10)

    @staticmethod
    def _branches(channels: int) -> nn.ModuleList:
        def convolution(before: int, after: int, size: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(before, after, size, padding=size // 2), nn.BatchNorm2d(after), nn.ReLU())

        wide = nn.Sequential(convolution(channels, 5, 1), convolution(5, 7, 3))
        pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), convolution(channels, 5, 1))
        return nn.ModuleList([convolution(channels, 6, 1), wide, pooled])

    def forward(self, x: Tensor) -> Tensor:
        """Give logits (B, 10) of images (B, 3, 8, 8)."""
        x = torch.relu(self.stem(x))
        for branches in (self.first, self.second):
            x = torch.cat([branch(x) for branch in branches], 1)
        return self.last(nn.functional.avg_pool2d(x, 2).flatten(1))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (mlp, (64,)),
    "vgg": (vgg, (3, 32, 32)),
    "resnet18": (resnet18, (3, 32, 32)),
    "vit": (vit, (3, 32, 32)),
    "densenet": (Dense, (3, 8, 8)),
    "unet": (UNet, (3, 8, 8)),
    "inception": (Inception, (3, 8, 8)),
}
SAMPLES = 40


def filled(make: Callable[[], nn.Module], seed: int, inputs: Tensor) -> nn.Module:
    """Give a network whose norms differ from node to node and fit its activations, as after training."""
    torch.manual_seed(seed)
    network = make()
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.02 * torch.randn(value.shape))
        for part in network.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.momentum = None
        network.train()(inputs)
    return network.eval()


def returned(network: nn.Module, moved: nn.Module, groups: Groups, orders: dict[int, Tensor]) -> bool:
    """Whether every weight stands where it stood."""
    back = permuted_state(moved.state_dict(), groups, orders)
    return all(torch.equal(back[name], value) for name, value in network.state_dict().items())


@torch.no_grad()
def row_of(case: str, seed: int) -> dict:
    """Plant one permutation and look for it."""
    torch.set_num_threads(1)
    begin = time.process_time()
    make, shape = CASES[case]
    x = torch.randn(SAMPLES, *shape, generator=torch.Generator().manual_seed(seed))
    network = filled(make, seed, x)
    groups = find_groups(network, x[:2])
    moved = permuted(network, groups, random_permutations(groups, seed))
    outputs = network(x)
    return {
        "case": case,
        "seed": seed,
        "weights": returned(network, moved, groups, match_weights(network.state_dict(), moved.state_dict(), groups)),
        "activity": returned(network, moved, groups, match_activity(network, moved, groups, x)),
        "change": float((moved(x) - outputs).abs().max() / outputs.abs().max()),
        "seconds": time.process_time() - begin,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--out", type=Path, default=Path("permutations-results"))
    options = parser.parse_args()
    file = options.out / "rows.jsonl"
    known = {(row["case"], row["seed"]): row for row in read_finished(file)}
    for case in options.cases:
        for seed in range(options.seeds):
            if (case, seed) not in known:
                known[case, seed] = row_of(case, seed)
                add_finished(file, known[case, seed])
    rows = {case: [known[case, seed] for seed in range(options.seeds)] for case in options.cases}
    found = {
        case: {
            "seeds": len(some),
            "weights": sum(row["weights"] for row in some),
            "activity": sum(row["activity"] for row in some),
            "change": max(row["change"] for row in some),
        }
        for case, some in rows.items()
    }
    print(json.dumps(found))
    return int(any(row["weights"] < row["seeds"] for row in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())

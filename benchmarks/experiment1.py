"""Experiment 1, 4 conditions x 300 single nodes x 200 epochs: one problem a condition against a plain loop.

    python benchmarks/experiment1.py [--plain-models 3]

The plain side is measured on a few models, since all 1,200 take over twenty minutes.
"""

from __future__ import annotations

import argparse
import sys

import torch
from side_by_side import seconds, show
from torch.utils.data import DataLoader, TensorDataset

from interp.cli import guarded
from zoo.papers.as_nn import experiment1 as e1


def plain(seed, x, target, activation):
    """Train one node the usual way."""
    node = torch.nn.Linear(2, 1)
    weight, bias = e1.initial([seed], x, activation, sampled=False)
    node.weight.data, node.bias.data = weight, bias
    optimiser = torch.optim.SGD(node.parameters(), lr=e1.LR, momentum=e1.MOMENTUM)
    loader = DataLoader(TensorDataset(x, target), batch_size=len(x), shuffle=True)
    for _ in range(e1.EPOCHS):
        for points, distance in loader:
            optimiser.zero_grad()
            z = node(points)[:, 0]
            torch.nn.functional.mse_loss(z.abs() if activation == "abs" else z.relu(), distance).backward()
            optimiser.step()


def ours():
    for sampled in (False, True):
        for activation in ("relu", "abs"):
            e1.train_condition(activation, sampled)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain-models", type=int, default=3)
    count = parser.parse_args().plain_models
    x, target = e1.points()
    ours()  # once to warm up
    fast = seconds(ours, repeat=3) / (4 * e1.MODELS)
    slow = seconds(lambda: [plain(seed, x, target, "abs") for seed in range(count)]) / count
    show("experiment1", "model of 200 epochs", slow, fast, f"ours on all 1,200 models, plain on {count}")


if __name__ == "__main__":
    sys.exit(guarded(main))

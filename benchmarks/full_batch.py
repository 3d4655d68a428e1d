"""Full-batch epochs of MNIST on raw pixels (use-DM, learn-DM): a stack against a plain loop.

python benchmarks/full_batch.py --data-root FOLDER [--models 4] [--epochs 3] [--device cpu]
"""

from __future__ import annotations

import sys

import torch
from side_by_side import our_side, seconds, show

from interp.cli import guarded
from zoo.architectures import build
from zoo.papers.trainings import full_batch
from zoo.training import run_epoch


def plain(wanted, x, y, device, epochs):
    """Train one model the usual way."""
    network = build(wanted.architecture, **wanted.arguments).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=wanted.lr)
    for _ in range(epochs):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()


def main():
    ours = our_side(full_batch("abs"), __doc__, models=4, epochs=3)
    run_epoch(ours.stack, ours.recipe, ours.samples, 0)  # once to warm up
    fast = ours.seconds()
    x, y = ours.x.to(ours.device), ours.y.to(ours.device)
    slow = seconds(lambda: plain(ours.recipe, x, y, ours.device, ours.epochs)) / ours.epochs
    halves = "on bfloat16 halves" if ours.samples.split else "in float32"
    show("full_batch", "model-epoch", slow, fast, f"{len(ours.stack)} models, first layer {halves}")


if __name__ == "__main__":
    sys.exit(guarded(main))

"""Experiment 2, MNIST in batches of 64: many seeds as batched products against a plain loop.

    python benchmarks/experiment2.py --data-root FOLDER [--models 20] [--epochs 1]

The plain side is one model for one epoch with torchvision's data set and a DataLoader; ours the given
number of models, per model-epoch, a stack at a time as `python -m zoo train` would.
"""

from __future__ import annotations

import sys

import torch
from side_by_side import our_side, seconds, show
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from interp.cli import guarded
from zoo.architectures import build
from zoo.papers.as_nn.experiment2 import recipe


def plain(wanted, root):
    """Train one model for one epoch the usual way."""
    steps = [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,)), transforms.Lambda(torch.flatten)]
    images = datasets.MNIST(root, train=True, download=False, transform=transforms.Compose(steps))
    network = build(wanted.architecture, **wanted.arguments)
    optimiser = torch.optim.SGD(network.parameters(), lr=wanted.lr, momentum=wanted.momentum)
    for x, y in DataLoader(images, batch_size=wanted.batch, shuffle=True):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()


def main():
    ours = our_side(recipe("abs"), __doc__, models=20, epochs=1)
    fast = ours.seconds()
    slow = seconds(lambda: plain(ours.recipe, ours.root))
    note = f"40 models x 50 epochs at this speed: {fast * 2000 / 60:.1f} minutes"
    show("experiment2", "model-epoch", slow, fast, note)


if __name__ == "__main__":
    sys.exit(guarded(main))

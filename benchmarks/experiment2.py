"""Experiment 2, MNIST in batches of 64: many seeds as batched products against a plain loop.

    python benchmarks/experiment2.py --data-root FOLDER [--models 20] [--epochs 1]

The plain side is one model for one epoch with torchvision's data set and a DataLoader; ours the given
number of models, per model-epoch, a stack at a time as `python -m zoo train` would.
"""

from __future__ import annotations

import argparse

import torch
from side_by_side import seconds, show
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from interp.datasets import DataOptions, load_dataset
from zoo.architectures import build
from zoo.epochs import prepare, run_epoch
from zoo.evaluate import scaled
from zoo.experiments.experiment2 import recipe
from zoo.stacks import start


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root")
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    data, wanted = load_dataset("mnist", DataOptions(options.data_root)), recipe("abs")
    x, y = scaled(data, wanted)["train"]
    stack = start(wanted, range(options.models), x, options.device)
    samples = prepare(stack, wanted, x, y)

    def ours():
        for epoch in range(options.epochs):
            run_epoch(stack, wanted, samples, epoch)

    fast = seconds(ours) / (options.models * options.epochs)
    slow = seconds(lambda: plain(wanted, data.root))
    note = f"40 models x 50 epochs at this speed: {fast * 2000 / 60:.1f} minutes"
    show("experiment2", "model-epoch", slow, fast, note)


if __name__ == "__main__":
    main()

"""Full-batch epochs of MNIST on raw pixels (use-DM, learn-DM): a stack against a plain loop.

python benchmarks/full_batch.py --data-root FOLDER [--models 4] [--epochs 3] [--device cpu]
"""

from __future__ import annotations

import argparse

import torch
from side_by_side import seconds, show

from interp.datasets import DataOptions, load_dataset
from zoo.architectures import build
from zoo.epochs import prepare, run_epoch
from zoo.evaluate import scaled
from zoo.experiments.full_batch import full_batch
from zoo.stacks import start


def plain(wanted, x, y, device, epochs):
    """Train one model the usual way."""
    network = build(wanted.architecture, **wanted.arguments).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=wanted.lr)
    for _ in range(epochs):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root")
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    data, wanted = load_dataset("mnist", DataOptions(options.data_root)), full_batch("abs")
    x, y = scaled(data, wanted)["train"]
    stack = start(wanted, range(options.models), x, options.device)
    samples = prepare(stack, wanted, x, y)
    run_epoch(stack, wanted, samples, 0)  # once to warm up

    def ours():
        for epoch in range(options.epochs):
            run_epoch(stack, wanted, samples, epoch)

    fast = seconds(ours) / (options.models * options.epochs)
    x, y = x.to(options.device), y.to(options.device)
    slow = seconds(lambda: plain(wanted, x, y, options.device, options.epochs)) / options.epochs
    halves = "on bfloat16 halves" if samples.split else "in float32"
    show("full_batch", "model-epoch", slow, fast, f"{options.models} models, first layer {halves}")


if __name__ == "__main__":
    main()

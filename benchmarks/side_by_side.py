"""What the training benchmarks share: our side on MNIST, timing, the table, and the JSON line."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from interp.data import DataOptions, load_dataset
from zoo.recipes import Recipe
from zoo.training import Samples, Stack, prepare, run_epoch, scaled, start


@dataclass
class Side:
    """Our side of a training benchmark on MNIST: a stack of networks, its data and what to do with them.

    Attributes
    ----------
    recipe
        Recipe of the networks that are trained.
    root
        Folder that the data were read from.
    x, y
        Scaled training inputs (S, D) and labels (S,), on the CPU.
    device
        Device that the stack is on.
    epochs
        Number of epochs that are timed.
    stack
        Networks, all trained at once.
    samples
        Inputs and labels as prepared for the stack.
    """

    recipe: Recipe
    root: str
    x: torch.Tensor
    y: torch.Tensor
    device: str
    epochs: int
    stack: Stack
    samples: Samples

    def train(self) -> None:
        """Train every model for the epochs asked for."""
        for epoch in range(self.epochs):
            run_epoch(self.stack, self.recipe, self.samples, epoch)

    def seconds(self) -> float:
        """Time one epoch of one model."""
        return seconds(self.train) / (len(self.stack) * self.epochs)


def our_side(recipe: Recipe, description: str, models: int, epochs: int) -> Side:
    """Read the options that the MNIST benchmarks share, and start the stack; the numbers are their defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data-root", help="folder with MNIST/raw (default: INTERP_DATA)")
    parser.add_argument("--offline", action="store_true", help="never download it")
    parser.add_argument("--models", type=int, default=models)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    data = load_dataset("mnist", DataOptions(options.data_root, offline=options.offline))
    x, y = scaled(data, recipe)["train"]
    stack = start(recipe, range(options.models), x, options.device)
    return Side(recipe, data.root, x, y, options.device, options.epochs, stack, prepare(stack, recipe, x, y))


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """Time `work`, the best of `repeat` runs, in seconds."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)


def show(name: str, unit: str, plain: float, ours: float, note: str) -> None:
    """Print the table, then one JSON line with the ratio plain / ours."""
    print(f"{name}, seconds per {unit}")
    print(f"  plain loop {plain:12.6f}\n  ours       {ours:12.6f}\n  ratio      {plain / ours:12.1f}\n  {note}")
    facts = {"benchmark": name, "unit": unit, "plain_s": plain, "ours_s": ours, "ratio": plain / ours, "note": note}
    facts["versions"] = {"python": platform.python_version(), "torch": torch.__version__}
    facts["threads"] = torch.get_num_threads()
    facts["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(json.dumps(facts))

"""What the intervention benchmarks share: a network, its data, the plain loop, and the JSON line."""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import version

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from interp.data import DataOptions, load_dataset
from interp.errors import InterpError
from interp.network.inputs import as_tensor
from interp.network.nodes import find_layers
from interp.types import Dataset, Inference, LoadedModel, Scaling, Split


def parser(description: str) -> argparse.ArgumentParser:
    """Give the options that the intervention benchmarks share."""
    shared = argparse.ArgumentParser(description=description)
    shared.add_argument("--data-root")
    shared.add_argument("--synthetic", action="store_true", help="random images, even where MNIST is")
    return shared


def pictures(options: argparse.Namespace) -> tuple[Dataset, str]:
    """Give MNIST where it is, else 60,000 random images of its shape."""
    try:
        if options.synthetic:
            raise FileNotFoundError
        return load_dataset("mnist", DataOptions(options.data_root, offline=True)), "MNIST"
    except (InterpError, FileNotFoundError):
        rng = np.random.default_rng(0)
        split = Split(rng.integers(0, 256, (60_000, 784), np.uint8), rng.integers(0, 10, 60_000))
        return Dataset("synthetic", {"train": split}, (1, 28, 28), (), (), "0" * 64), "synthetic data"


def trained_mlp(split: Split, epochs: int = 1) -> nn.Sequential:
    """Train 784-128-10 with ReLU for a moment, so that its scores are those of a working network."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimiser = torch.optim.Adam(module.parameters(), 1e-3)
    labels = torch.from_numpy(split.labels)
    for _ in range(epochs):
        for rows in torch.randperm(len(split)).split(256):
            optimiser.zero_grad()
            x = torch.from_numpy(split.inputs[rows.numpy()]).float() / 255
            F.cross_entropy(module(x), labels[rows]).backward()
            optimiser.step()
    return module.eval().requires_grad_(False)


def as_model(module: nn.Module, shape: tuple[int, ...]) -> LoadedModel:
    """Wrap a module as the stages take it."""
    structure = find_layers(module, torch.zeros(2, *shape))
    trained = {"trained": Inference(True, "certain", "just now")}
    return LoadedModel(
        module, structure.layers, "drawn", "drawn", "0" * 64, Scaling("x/255", 255.0), shape, "linear", trained
    )


def scaled(model: LoadedModel, split: Split) -> torch.Tensor:
    """Give all inputs as the plain loop holds them: scaled once, float32."""
    return as_tensor(split.inputs, model.scaling, model.input_shape)


def timed(work, warm=None):
    """Run and time: (seconds, result); `warm` is run before, not timed."""
    if warm is not None:
        warm()
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def finish(name: str, rows: list[tuple[str, float, str]], plain: float, ours: float, **facts) -> None:
    """Print the table, then the JSON line; ratio = plain / ours."""
    print(name)
    for what, seconds, note in rows:
        print(f"  {what:<28}{seconds:>10.3f} s   {note}")
    print(f"  {'ratio':<28}{plain / ours:>10.1f}")
    packages = ("torch", "numpy", "scikit-learn", "captum", "h5py")
    versions = {"python": platform.python_version(), **{package: version(package) for package in packages}}
    line = {"benchmark": name, "ratio": plain / ours, "ours_seconds": ours, "plain_seconds": plain, **facts}
    print(json.dumps({**line, "versions": versions, "threads": torch.get_num_threads()}))

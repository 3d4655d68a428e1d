"""Results of real runs on networks so small that one takes a second or two; each is made once a session."""

import fcntl
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import cache, wraps
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import quick
import torch
from torch import nn

from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions
from interp.data import load_dataset
from interp.interventions import InterventionOptions
from interp.run import Options, run_all, start
from interp.types import Dataset, Results, Split
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions

DEAD, ONE_SIDED = 3, 5
"""Nodes of the MLP's first layer whose biases are set so far out that they are of these kinds."""

QUICK = Options(
    gaussians=GaussianOptions(components=2),
    clusters=ClusterOptions(repetitions=3),
    interventions=InterventionOptions(levels=6, curve_levels=5, control_shuffles=2, control_samples=60),
    attribution=AttributionOptions(samples=30, steps=4, repetitions=20),
    reading=ReadingOptions(samples=40, images=20, read_copies=4),
    directions=2,
)


def once(make: Callable) -> Callable:
    """Call a function once a session, whichever of several processes asks first."""

    @cache
    @wraps(make)
    def found():
        path = Path(os.environ["TINY_RUNS"]) / f"{make.__name__}.pickle"
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                path.write_bytes(pickle.dumps(make()))
        return pickle.loads(path.read_bytes())

    return found


def digits(train: int = 90, test: int = 45, classes: int = 3) -> Dataset:
    """Give a few rows of the first digits, from 0 to 1."""
    data = load_dataset("digits")
    few = {}
    for name, rows in (("train", train), ("test", test)):
        split = data.splits[name]
        chosen = split.take(np.flatnonzero(split.labels < classes)[:rows])
        few[name] = replace(chosen, inputs=(chosen.inputs / 16).astype(np.float32))
    return replace(data, splits=few, classes=data.classes[:classes])


def pictures() -> Dataset:
    """Give the middle of these digits in three colours: itself, upside down, and mirrored."""
    data = digits()
    coloured = {}
    for name, split in data.splits.items():
        middle = split.inputs.reshape(-1, 8, 8)[:, 1:7, 1:7]
        channels = np.stack([middle, middle[:, ::-1], middle[:, :, ::-1]], axis=1)
        coloured[name] = replace(split, inputs=channels.reshape(len(split), -1))
    return replace(data, name="coloured digits", splits=coloured, image_shape=(3, 6, 6), digest="c" * 64)


def columns() -> Dataset:
    """Give a table of five columns, and whether their sum is above 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 5)).astype(np.float32)
    part = Split(x, (x.sum(1) > 0).astype(np.int64))
    splits = {"train": part.take(np.arange(80)), "test": part.take(np.arange(80, 120))}
    return Dataset("columns", splits, None, ("below", "above"), tuple(f"column {i}" for i in range(5)), "t" * 64)


def trained(network: nn.Module, data: Dataset, steps: int = 100) -> nn.Module:
    """Fit a network to labels by plain gradient descent on all rows at once."""
    x, y = torch.from_numpy(data.train.inputs), torch.from_numpy(data.train.labels)
    parameters = list(network.parameters())
    for _ in range(steps):
        with torch.enable_grad():
            slopes = torch.autograd.grad(nn.functional.cross_entropy(network(x), y), parameters)
        with torch.no_grad():
            for parameter, slope in zip(parameters, slopes, strict=True):
                parameter -= 0.5 * slope
    return network


def results_of(networks: list[nn.Module], data: Dataset, options: Options = QUICK) -> Results:
    """Save networks as bare weights; run every stage on the first, and on all what compares several."""
    said = LoadOptions(activation="relu", scaling="raw", output="linear")
    with TemporaryDirectory() as folder, quick.few_draws():
        paths = [Path(folder) / f"net{i}.pt" for i in range(len(networks))]
        for path, network in zip(paths, networks, strict=True):
            torch.save(network.state_dict(), path)
        return run_all(start(paths[0], Path(folder) / "out", data, said, options=options, others=paths[1:]))


def _mlp(data: Dataset, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    parts = OrderedDict(fc1=nn.Linear(64, 8), a1=nn.ReLU(), fc2=nn.Linear(8, 6), a2=nn.ReLU(), fc3=nn.Linear(6, 3))
    network = nn.Sequential(parts)
    planted = [DEAD, ONE_SIDED]
    with torch.no_grad():
        network.fc1.weight[planted], network.fc1.bias[planted] = 0, 0  # silent, so that training leaves them alone
        trained(network, data)
        network.fc1.weight[planted] = torch.rand(2, 64)
        network.fc1.bias[planted] = torch.tensor([-1e4, 1e4])
        network.fc2.weight[:, ONE_SIDED] = 0  # nobody reads its large outputs
    return network


def _convolutional(data: Dataset, kernel: tuple[int, int]) -> nn.Module:
    torch.manual_seed(0)
    channels, height, width = data.image_shape
    left = (height - kernel[0] + 1) * (width - kernel[1] + 1)
    parts = OrderedDict(
        image=nn.Unflatten(1, data.image_shape), conv1=nn.Conv2d(channels, 4, kernel), a1=nn.ReLU(),
        flat=nn.Flatten(), fc=nn.Linear(4 * left, 3),
    )  # fmt: skip
    return trained(nn.Sequential(parts), data)


@once
def several_mlps() -> Results:
    """Three runs of an MLP on digits, with two of its parts changed together."""
    data = digits()
    options = replace(QUICK, interventions=replace(QUICK.interventions, groups=(("fc1", "fc2:3"),)))
    return results_of([_mlp(data, seed) for seed in range(3)], data, options)


def mlp() -> Results:
    """Give the first of these alone: fc1, fc2 and fc3 of 8, 6 and 3 nodes, reading 8 x 8 pixels."""
    return replace(several_mlps(), runs=None)


@once
def unlabelled() -> Results:
    """Show an untrained network of 4 and 3 nodes inputs alone, all of them for training."""
    data = digits()
    bare = replace(data, splits={"train": replace(data.train, labels=None)}, classes=())
    torch.manual_seed(0)
    parts = OrderedDict(fc1=nn.Linear(64, 4), a1=nn.ReLU(), fc2=nn.Linear(4, 3))
    return results_of([nn.Sequential(parts)], bare)


@once
def colours() -> Results:
    """A convolution of 3 x 3 pixels in three channels, and a linear layer."""
    data = pictures()
    return results_of([_convolutional(data, (3, 3))], data)


@once
def oblong() -> Results:
    """A convolution whose patches are no squares, on digits."""
    data = digits()
    return results_of([_convolutional(data, (2, 5))], data)


@once
def one_node() -> Results:
    """One linear node on columns of a table."""
    torch.manual_seed(0)
    return results_of([nn.Sequential(OrderedDict(out=nn.Linear(5, 1)))], columns())

"""Data of the inference benchmark, and its networks, trained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn import datasets
from sklearn.neighbors import NearestCentroid
from torch import Tensor, nn

from inferring.specs import Spec
from interp.data import DataOptions, load_dataset
from interp.types import Dataset, Scaling

LEAST_SKILL = 0.3
"""Share of the way from chance to perfection that a network must reach in training; below it another rate is taken.

Below nearest class means too, which need no training: a network that does worse has learned nothing to be read.
"""

CHANNELS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "mnist": ((0.1307,), (0.3081,)),
    "digits": ((0.3054,), (0.3761,)),
}
"""Constants of each channel as people print them."""


class Abs(nn.Module):
    """The absolute value as a module."""

    def forward(self, x: Tensor) -> Tensor:
        """Take it of x."""
        return x.abs()


MODULES: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "abs": Abs,
    "hardswish": nn.Hardswish,
    "identity": nn.Identity,
}

FALLS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "linear": lambda done: min(1.0, 2 * (1 - done)),
    "cosine": lambda done: 0.5 * (1 + cos(pi * done)),
}
"""Name of a fall of the learning rate -> the share of it that is left when a share of the steps is done."""

# --------------------------------------------------------------------------- data


@cache
def data_named(name: str, folder: Path, rows: int) -> Dataset:
    """Give a data set of the benchmark, at most so many training rows of it."""
    if name in ("mnist", "digits"):
        found = load_dataset(name, DataOptions(str(folder), offline=True))
        splits = {**found.splits, "train": found.train.take(np.arange(min(rows, len(found.train))))}
        return load_dataset(
            {
                f"{key}_{part}": value
                for part, split in splits.items()
                for key, value in (("x", split.inputs.reshape(-1, *found.image_shape[1:])), ("y", split.labels))
            }
        )
    return load_dataset(_cifar(folder, rows) if name == "cifar10" else _table(name))


def _cifar(folder: Path, most: int) -> dict[str, np.ndarray]:
    """Give colour images with their channels first."""
    stored = np.load(folder / "cifar10_part.npz")
    rows = {"train": most, "test": 1000}
    arrays = {f"x_{part}": stored[f"x_{part}"][:count].transpose(0, 3, 1, 2) for part, count in rows.items()}
    return arrays | {f"y_{part}": stored[f"y_{part}"][:count].astype(np.int64) for part, count in rows.items()}


def _table(name: str) -> dict[str, np.ndarray]:
    if name == "breast cancer":
        x, y = datasets.load_breast_cancer(return_X_y=True)
    else:
        x, y = datasets.make_classification(
            4000, 16, n_informative=10, n_classes=5, n_clusters_per_class=2, class_sep=1.5, random_state=0
        )
    order = np.random.default_rng(0).permutation(len(x))
    test = len(order) // 5
    rows = {"train": order[test:], "test": order[:test]}
    return {f"x_{part}": x[some].astype(np.float32) for part, some in rows.items()} | {
        f"y_{part}": y[some].astype(np.int64) for part, some in rows.items()
    }


def scaling_of(spec: Spec, data: Dataset) -> Scaling:
    """Give the scaling that a network is trained on."""
    inputs = data.train.inputs
    top = 255.0 if data.train.inputs.dtype == np.uint8 and inputs.max() > 16 else float(inputs.max())
    mean, std = inputs.mean(0, dtype=np.float64), inputs.std(0, dtype=np.float64)
    if spec.scaling == "columns":
        return Scaling(spec.scaling, 1.0, mean, np.where(std > 0, std, 1.0))
    if spec.scaling in ("raw", "unit"):
        return Scaling(spec.scaling, 1.0 if spec.scaling == "raw" else top)
    if spec.scaling == "overall":
        scaled = inputs / top
        return Scaling(spec.scaling, top, np.array(round(scaled.mean(), 4)), np.array(round(scaled.std(), 4)))
    centre, spread = CHANNELS[spec.data] if spec.scaling == "per-channel" else ((0.5,), (0.5,))
    pixels = data.width // len(centre)
    return Scaling(spec.scaling, top, np.repeat(centre, pixels), np.repeat(spread, pixels))


# --------------------------------------------------------------------------- networks


def built(spec: Spec, data: Dataset) -> nn.Sequential:
    """Build a network with fresh weights, which are `torch`'s."""
    steps: list[nn.Module] = []
    active = iter(spec.activations)
    width, side = data.width, 0
    if spec.convolutions:
        assert data.image_shape is not None
        width, side, _ = data.image_shape
    for channels in spec.convolutions:
        steps += [nn.Conv2d(width, channels, 3, padding=spec.padding), *[nn.BatchNorm2d(channels)] * spec.normed]
        steps += [MODULES[next(active)](), (nn.MaxPool2d if spec.pooling == "max" else nn.AvgPool2d)(2)]
        width, side = channels, (side + 2 * spec.padding - 2) // 2
    if spec.convolutions:
        steps += [nn.Flatten(), *_dropout(spec)]
        width *= side * side
    for nodes in spec.dense:
        steps += [nn.Linear(width, nodes), *[nn.BatchNorm1d(nodes)] * spec.normed, MODULES[next(active)]()]
        steps += _dropout(spec)
        width = nodes
    return nn.Sequential(*steps, nn.Linear(width, len(data.classes) or int(data.train.labels.max()) + 1))


def _dropout(spec: Spec) -> list[nn.Module]:
    return [nn.Dropout(spec.dropout)] if spec.dropout else []


def trained(spec: Spec, data: Dataset) -> tuple[nn.Sequential, float]:
    """Train a network, at a lower rate where it learns too little; give it with its training accuracy."""
    x = torch.from_numpy(scaling_of(spec, data)(data.train.inputs))
    x = x.reshape(-1, *data.image_shape) if spec.convolutions and data.image_shape else x
    y = torch.from_numpy(data.train.labels)
    chance = float(torch.bincount(y).max() / len(y))
    least = chance + (1 - chance) * (LEAST_SKILL if spec.data != "cifar10" else LEAST_SKILL / 2)
    least = max(least, _of_class_means(x.flatten(1).numpy(), y.numpy()))
    best: tuple[float, nn.Sequential] | None = None
    for factor in (1.0, 0.2, 5.0, 0.04, 0.008):
        torch.manual_seed(spec.seed)
        module = built(spec, data)
        _train(module, spec, _Shifted(x, spec.shift, data.image_shape), y, factor)
        score = _accuracy(module, x, y)
        if best is None or score > best[0]:
            best = score, module
        if score >= least:
            break
    assert best is not None
    return best[1], best[0]


class _Shifted:
    """Inputs of training rows, of which images are shifted by some pixels, each time by others.

    Parameters
    ----------
    x
        Inputs of all rows, (S, D) or (S, C, H, W).
    most
        Largest number of pixels, each way; 0 leaves inputs as they are.
    shape
        Shape of one image, (C, H, W); None of inputs that are none.
    """

    def __init__(self, x: Tensor, most: int, shape: tuple[int, int, int] | None) -> None:
        self.x, self.most, self._shape = x, most, shape

    def __getitem__(self, rows: Tensor) -> Tensor:
        some = self.x[rows]
        if not self.most or self._shape is None:
            return some
        wide = F.pad(some.reshape(-1, *self._shape), [self.most] * 4, mode="replicate")
        down, right = torch.randint(2 * self.most + 1, (2, len(rows))).tolist()
        _, height, width = self._shape
        places = zip(wide, down, right, strict=True)
        shifted = [one[:, top : top + height, left : left + width] for one, top, left in places]
        return torch.stack(shifted).reshape(some.shape)


def _train(module: nn.Module, spec: Spec, x: _Shifted, y: Tensor, factor: float) -> None:
    module.train()
    optimiser = _optimiser(module, spec, x.x, factor)
    fall = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: FALLS[spec.fall](step / spec.steps))
    for rows in islice(_batches(len(y)), spec.steps):
        optimiser.zero_grad()
        F.cross_entropy(module(x[rows]), y[rows], label_smoothing=spec.smoothing).backward()
        optimiser.step()
        fall.step()
    module.eval().requires_grad_(False)


def _batches(rows: int, size: int = 48) -> Iterator[Tensor]:
    while True:
        yield from (part for part in torch.randperm(rows).split(size) if len(part) > 1)


def _optimiser(module: nn.Module, spec: Spec, x: Tensor, factor: float) -> torch.optim.Optimizer:
    parts = list(module.parameters())
    decay = spec.weight_decay
    if spec.optimiser == "sgd":
        size = float((x[:1000] ** 2).mean()) ** 0.5
        return torch.optim.SGD(parts, factor * 0.03 / max(size, 1), momentum=0.9, weight_decay=decay)
    if spec.optimiser == "rmsprop":
        return torch.optim.RMSprop(parts, factor * 0.001, weight_decay=decay)
    kind = torch.optim.AdamW if spec.optimiser == "adamw" else torch.optim.Adam
    return kind(parts, factor * 0.002, weight_decay=decay)


def _of_class_means(x: np.ndarray, y: np.ndarray) -> float:
    """Give the training accuracy of nearest class means."""
    with warnings.catch_warnings():  # of pixels that are the same in all rows
        warnings.simplefilter("ignore")
        return float(NearestCentroid().fit(x, y).score(x, y))


@torch.no_grad()
def _accuracy(module: nn.Module, x: Tensor, y: Tensor) -> float:
    right = torch.cat([module(part).argmax(1) for part in x.split(500)]) == y
    return float(right.double().mean())

"""learn-DM's looks at a trained network: nodes that never fire, and clamped outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from interp.types import Array, Dataset
from zoo import checkpoints
from zoo.evaluate import scaled
from zoo.recipes import Recipe

SILENT = 1e-6  # |activation| up to here counts as none
RARE = 0.01  # share of images
ROWS = 4096
AFTER = {"hidden": "activation", "output": "output_activation"}  # layer -> where its activation's output is


def inactive_shares(path: Path, data: Dataset, layer: str) -> dict[str, float]:
    """Measure the share of nodes that are dead or rarely active on the training images, in percent.

    Parameters
    ----------
    path
        A zoo checkpoint of a perceptron.
    data
        Its data.
    layer
        ``hidden`` or ``output``, the latter where an activation follows it.
    """
    network, splits = _open(path, data)
    before, _ = _cut(network, AFTER[layer])
    active = torch.cat([before(x).abs() > SILENT for x, _ in _blocks(splits)]).double().mean(dim=0).numpy()
    return {"dead_pct": 100 * float((active == 0).mean()), "rarely_active_pct": 100 * float((active < RARE).mean())}


def clamp_at_half(path: Path, data: Dataset) -> dict[str, float]:
    """Find where clamping the hidden layer's outputs halves the training accuracy.

    Returns
    -------
    dict
        ``min``: the least percentage of the layer's range that, as a lower bound, leaves half the
        accuracy or less; ``max``: the largest one that does so as an upper bound. NaN if none does.
    """
    network, splits = _open(path, data)
    before, after = _cut(network, AFTER["hidden"])
    outputs, labels = torch.cat([before(x) for x, _ in _blocks(splits)]), splits[1]
    low, high = float(outputs.min()), float(outputs.max())
    whole = _accuracy(after, outputs, labels)
    bounds = [low + percent / 100 * (high - low) for percent in range(101)]
    above = np.array([_accuracy(after, outputs, labels, least=bound) for bound in bounds])
    below = np.array([_accuracy(after, outputs, labels, most=bound) for bound in bounds])
    return {"min": _first(above <= whole / 2), "max": 100 - _first(below[::-1] <= whole / 2)}


def _first(flags: Array) -> float:
    return float(np.argmax(flags)) if flags.any() else float("nan")


@torch.no_grad()
def _accuracy(
    after: nn.Module, outputs: Tensor, labels: Tensor, least: float = -math.inf, most: float = math.inf
) -> float:
    parts = zip(torch.split(outputs, ROWS), torch.split(labels, ROWS), strict=True)
    return sum(int((after(rows.clamp(least, most)).argmax(dim=1) == y).sum()) for rows, y in parts) / len(labels)


def _open(path: Path, data: Dataset) -> tuple[nn.Sequential, tuple[Tensor, Tensor]]:
    content = checkpoints.load(path)
    shape = tuple(content["input_shape"])
    recipe = Recipe("any", content["architecture"], content["data"], content["scaling"], shape)
    return checkpoints.module_of(content).requires_grad_(False), scaled(data, recipe)["train"]


def _blocks(split: tuple[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(split[0], ROWS), torch.split(split[1], ROWS), strict=True)


def _cut(network: nn.Sequential, name: str) -> tuple[nn.Sequential, nn.Sequential]:
    names = [child for child, _ in network.named_children()]
    place = names.index(name) + 1
    return network[:place], network[place:]

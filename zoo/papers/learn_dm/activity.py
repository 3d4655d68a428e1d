"""learn-DM's measurements on a trained network: nodes that are never active, and clamped outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from interp.types import Dataset
from zoo.layers import Abs
from zoo.training import reopened

SILENT = 1e-6  # |activation| up to here counts as none
RARE, RAREST = 0.01, 0.001  # shares of images: the paper's, and one that fits its numbers better
ROWS = 4096
AFTER = {"hidden": "activation", "output": "output_activation"}  # layer -> where its activation's output is


def inactive_shares(path: Path, data: Dataset, layer: str) -> dict[str, float]:
    """Measure the shares of nodes that are dead, or active on few of the training images.

    Parameters
    ----------
    path
        Path of a zoo checkpoint of a perceptron.
    data
        Data set that it was trained on.
    layer
        Name of the layer, ``hidden`` or ``output``, the latter where an activation follows it.

    Returns
    -------
    dict
        Percentages of nodes: ``dead_pct``, ``rarely_active_pct`` (active on less than 1 % of the images) and
        ``rarest_pct`` (on less than 0.1 %).
    """
    network, splits = reopened(path, data)
    before, _ = _cut(network, AFTER[layer])
    active = torch.cat([before(x).abs() > SILENT for x, _ in _blocks(splits["train"])]).double().mean(dim=0).numpy()
    few = {"dead_pct": active == 0, "rarely_active_pct": active < RARE, "rarest_pct": active < RAREST}
    return {name: 100 * float(nodes.mean()) for name, nodes in few.items()}


def clamp_curves(path: Path, data: Dataset) -> pd.DataFrame:
    """Measure the training accuracy with the hidden layer's outputs clamped, by two readings of "the range".

    *hidden*: from the least to the largest output of the hidden activation. *all*: over the outputs of every activation
    and, of Abs networks, of the whole network too, as the paper's analysis takes it (found in its published code).

    Parameters
    ----------
    path
        Path of a zoo checkpoint of a perceptron.
    data
        Data set that it was trained on.

    Returns
    -------
    DataFrame
        ``reading``; ``side``, ``min`` for a lower bound and ``max`` for an upper one; ``percent`` of the range, 0 to
        100; ``accuracy`` in [0, 1].
    """
    network, splits = reopened(path, data)
    before, after = _cut(network, AFTER["hidden"])
    outputs, labels = torch.cat([before(x) for x, _ in _blocks(splits["train"])]), splits["train"][1]
    rows = []
    for reading, (low, high) in _ranges(network, outputs).items():
        for percent in range(101):
            bound = low + percent / 100 * (high - low)
            rows.append((reading, "min", percent, _accuracy(after, outputs, labels, least=bound)))
            rows.append((reading, "max", percent, _accuracy(after, outputs, labels, most=bound)))
    return pd.DataFrame(rows, columns=["reading", "side", "percent", "accuracy"])


def at_half(curves: pd.DataFrame) -> dict[str, float]:
    """Find where clamping halves the accuracy of one network.

    Parameters
    ----------
    curves
        Accuracies of that network under clamps, from `clamp_curves`.

    Returns
    -------
    dict
        ``min, READING``: the least percentage of the range that, as a lower bound, leaves half the accuracy or less;
        ``max, READING``: the least one that, as an upper bound, leaves more than half. NaN if none does.
    """
    found, wide = {}, curves.pivot(index="percent", columns=["reading", "side"], values="accuracy")
    half = wide["hidden", "min"][0] / 2  # a lower bound at the least output changes nothing
    for reading in dict.fromkeys(curves["reading"]):
        found[f"min, {reading}"] = _first(wide[reading, "min"] <= half)
        found[f"max, {reading}"] = _first(wide[reading, "max"] > half)
    return found


def _ranges(network: nn.Sequential, hidden: Tensor) -> dict[str, tuple[float, float]]:
    """Give the range of the hidden activation's outputs, and that over all that the paper's analysis looks at."""
    _, after = _cut(network, AFTER["hidden"])
    looked_at = [hidden]
    if hasattr(network, AFTER["output"]):
        behind, _ = _cut(after, AFTER["output"])
        looked_at.append(behind(hidden))
    if isinstance(network.activation, Abs):  # it picks modules by class name, and an Abs network's own name matches
        looked_at.append(after(hidden))
    low, high = (float(end) for end in torch.aminmax(torch.cat([values.flatten() for values in looked_at])))
    return {"hidden": (float(hidden.min()), float(hidden.max())), "all": (low, high)}


def _first(flags: pd.Series) -> float:
    return float(flags.idxmax()) if flags.any() else math.nan


@torch.no_grad()
def _accuracy(
    after: nn.Module, outputs: Tensor, labels: Tensor, least: float = -math.inf, most: float = math.inf
) -> float:
    parts = zip(torch.split(outputs, ROWS), torch.split(labels, ROWS), strict=True)
    return sum(int((after(rows.clamp(least, most)).argmax(dim=1) == y).sum()) for rows, y in parts) / len(labels)


def _blocks(split: tuple[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(split[0], ROWS), torch.split(split[1], ROWS), strict=True)


def _cut(network: nn.Sequential, name: str) -> tuple[nn.Sequential, nn.Sequential]:
    names = [child for child, _ in network.named_children()]
    place = names.index(name) + 1
    return network[:place], network[place:]

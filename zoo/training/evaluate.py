"""Accuracy and loss of trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from interp.data import parse_scaling
from interp.errors import DataError
from interp.types import Dataset
from zoo import checkpoints
from zoo.recipes import Recipe

ROWS = 4096


def scaled(data: Dataset, recipe: Recipe) -> dict[str, tuple[Tensor, Tensor]]:
    """Scale and shape every split as the network takes it: inputs (S, ...) float32, labels (S,).

    Raises
    ------
    DataError
        If the data have no labels to train on.
    """
    scaling = parse_scaling(recipe.scaling, data)
    found = {}
    for name, split in data.splits.items():
        if split.labels is None:
            raise DataError(data.name, found="no class labels", expected="labels 0, 1, 2, ...", do="add them")
        inputs = torch.from_numpy(scaling(split.inputs)).reshape(-1, *recipe.input_shape)
        found[name] = inputs, torch.from_numpy(split.labels)
    return found


def reopened(path: Path, data: Dataset) -> tuple[nn.Sequential, dict[str, tuple[Tensor, Tensor]]]:
    """Open a trained network in eval mode, its parameters frozen, with the splits as it takes them."""
    content = checkpoints.load(path)
    shape = tuple(content["input_shape"])
    recipe = Recipe("any", content["architecture"], content["data"], content["scaling"], shape)
    return checkpoints.module_of(content).requires_grad_(False), scaled(data, recipe)


@torch.no_grad()
def logits(module: nn.Module, x: Tensor) -> Tensor:
    """Run a network over (S, ...) inputs in blocks, (S, C)."""
    return torch.cat([module(rows) for rows in torch.split(x, ROWS)])


def metrics(module: nn.Module, splits: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Measure accuracy in [0, 1] and mean cross-entropy on every split.

    Returns
    -------
    dict
        ``train_accuracy``, ``train_loss``, ``test_accuracy``, ``test_loss``.
    """
    found = {}
    for name, (x, y) in splits.items():
        scores = logits(module, x)
        found[f"{name}_accuracy"] = float((scores.argmax(dim=1) == y).double().mean())
        found[f"{name}_loss"] = float(functional.cross_entropy(scores, y))
    return found

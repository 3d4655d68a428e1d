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
    """Scale and shape every split as a network takes it.

    Parameters
    ----------
    data
        Data set as stored.
    recipe
        Recipe that states the scaling and the shape of a sample.

    Returns
    -------
    dict
        Name of a split -> inputs (S, ...) float32 and labels (S,) int64.

    Raises
    ------
    DataError
        If the data have no labels to train on.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> splits = scaled(load_dataset("digits"), Recipe("abs", "abs", "digits", "x/16", (64,)))
    >>> splits["train"][0].shape, splits["train"][0].max().item()
    (torch.Size([1437, 64]), 1.0)
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
    """Open a trained network, its parameters frozen, with its data as it takes them.

    Parameters
    ----------
    path
        Path of a zoo checkpoint.
    data
        Data set that it was trained on.

    Returns
    -------
    Sequential, dict
        The network in eval mode, and name of a split -> inputs and labels, as `scaled` gives them.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or of another kind.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> network, splits = reopened(Path("zoo/pretrained/abs-digits.pt"), load_dataset("digits"))
    >>> metrics(network, splits)["test_accuracy"]
    0.975
    """
    content = checkpoints.load(path)
    shape = tuple(content["input_shape"])
    recipe = Recipe("any", content["architecture"], content["data"], content["scaling"], shape)
    return checkpoints.module_of(content).requires_grad_(False), scaled(data, recipe)


@torch.no_grad()
def logits(module: nn.Module, x: Tensor) -> Tensor:
    """Run a network over inputs, in blocks of 4,096 and without gradients.

    Parameters
    ----------
    module
        Network in eval mode.
    x
        Scaled inputs, (S, ...).

    Returns
    -------
    Tensor
        Outputs of the network, (S, C).

    Examples
    --------
    >>> logits(nn.Linear(3, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """
    return torch.cat([module(rows) for rows in torch.split(x, ROWS)])


def metrics(module: nn.Module, splits: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Measure accuracy and loss of a network on every split.

    Parameters
    ----------
    module
        Network in eval mode.
    splits
        Name of a split -> scaled inputs (S, ...) and labels (S,).

    Returns
    -------
    dict
        Accuracy in [0, 1], such as ``train_accuracy``, and mean cross-entropy in nats, such as ``train_loss``, of each
        split.

    Examples
    --------
    >>> outputs, labels = torch.tensor([[0.0, 9.0], [0.0, 9.0]]), torch.tensor([1, 0])
    >>> metrics(nn.Identity(), {"test": (outputs, labels)})["test_accuracy"]
    0.5
    """
    found = {}
    for name, (x, y) in splits.items():
        scores = logits(module, x)
        found[f"{name}_accuracy"] = float((scores.argmax(dim=1) == y).double().mean())
        found[f"{name}_loss"] = float(functional.cross_entropy(scores, y))
    return found

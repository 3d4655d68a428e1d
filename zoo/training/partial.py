"""The state of an interrupted training, from which it continues exactly."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interp.errors import CheckpointError, first_line
from zoo.checkpoints import save_tensors
from zoo.recipes import Recipe
from zoo.training.stacks import Stack


def partial_path(folder: Path, recipe: Recipe, seeds: Sequence[int]) -> Path:
    """Name the file of an interrupted training after the recipe's content and the stack's seeds.

    Parameters
    ----------
    folder
        Folder of the checkpoints.
    recipe
        Recipe of the training.
    seeds
        Seeds that the stack began with, ascending.
    """
    return folder / f"{_stem(recipe)}-{seeds[0]}-{seeds[-1]}.partial"


def save_partial(path: Path, stack: Stack, seeds: Sequence[int], epoch: int) -> None:
    """Write all that the epochs to come depend on.

    Parameters
    ----------
    path
        Path of the file, from `partial_path`.
    stack
        Models in the middle of their training.
    seeds
        Seeds that the stack began with; models that diverged have left it.
    epoch
        Number of epochs done.
    """
    groups = {name: _to_cpu(getattr(stack, name)) for name in ("params", "velocity", "buffers")}
    save_tensors(path, {"seeds": list(seeds), "alive": stack.seeds, "epoch": epoch, **groups})


def find_partials(folder: Path, recipe: Recipe) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Read every interrupted training of one recipe.

    Parameters
    ----------
    folder
        Folder of the checkpoints.
    recipe
        Recipe of the trainings.

    Yields
    ------
    Path, dict
        Path of the file, and the state that `save_partial` wrote.

    Raises
    ------
    CheckpointError
        If such a file is damaged.
    """
    for path in sorted(folder.glob(f"{glob.escape(_stem(recipe))}-*.partial")):
        try:
            yield path, torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load fails with many types; each means the same here
            raise CheckpointError(
                path, found=first_line(error), expected="an interrupted training", do="delete it"
            ) from error


def restore(stack: Stack, state: dict[str, Any]) -> int:
    """Put the state of an interrupted training into a stack made anew.

    Parameters
    ----------
    stack
        Untrained stack of the seeds that the training began with; changed in place.
    state
        State that `save_partial` wrote.

    Returns
    -------
    int
        Number of epochs done.
    """
    stack.keep([stack.seeds.index(seed) for seed in state["alive"]])
    for name in ("params", "velocity", "buffers"):
        group: dict[str, Tensor] = getattr(stack, name)
        for key, value in state[name].items():
            group[key].copy_(value)
    return int(state["epoch"])


def _stem(recipe: Recipe) -> str:
    """Start a file's name; data that lie in a file are named by its path, of which only the last part can be used."""
    return f"{recipe.name}-{Path(recipe.data).stem}-{recipe.digest()}"


def _to_cpu(group: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu() for name, value in group.items()}

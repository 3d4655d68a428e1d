"""Checkpoints along the way, to see when a property of the trained network appears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from zoo import checkpoints
from zoo.architectures import build
from zoo.recipes import Recipe
from zoo.training.evaluate import metrics
from zoo.training.stacks import Stack

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of the epochs; the end is the finished checkpoint


def snapshot_epochs(recipe: Recipe, shares: Sequence[float] = SHARES) -> list[int]:
    """Turn shares of the training into epochs, without repeats.

    Examples
    --------
    >>> snapshot_epochs(Recipe("a", "abs", "mnist", "raw", (784,), epochs=20))
    [0, 1, 2, 4, 10]
    """
    return sorted({round(share * recipe.epochs) for share in shares} - {recipe.epochs})


def snapshot_path(folder: Path, recipe: Recipe, seed: int, epoch: int) -> Path:
    """Name the checkpoint of one seed and epoch."""
    return folder / "along" / f"{recipe.name}-{recipe.data}-{seed:03d}-epoch{epoch:05d}.pt"


class Snapshots:
    """Saves every model of a stack at some epochs; goes into `zoo.training.train.TrainOptions.watch`.

    Parameters
    ----------
    folder
        Of the finished checkpoints; these go into its subfolder ``along``.
    recipe
        What is trained.
    splits
        Scaled data, for the metrics.
    """

    def __init__(self, folder: Path, recipe: Recipe, splits: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        self.folder, self.recipe, self.splits = folder, recipe, splits
        self.epochs = snapshot_epochs(recipe)

    def __call__(self, stack: Stack, epoch: int) -> None:
        """Save, if this is one of the epochs."""
        if epoch not in self.epochs:
            return
        module = build(self.recipe.architecture, **self.recipe.arguments).eval()
        for index, seed in enumerate(stack.seeds):
            state = stack.member(index)
            module.load_state_dict({name: value.cpu() for name, value in state.items()})
            path = snapshot_path(self.folder, self.recipe, seed, epoch)
            reached = metrics(module, self.splits)
            checkpoints.save(path, self.recipe, state, seed=seed, epoch=epoch, metrics=reached)

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

    Parameters
    ----------
    recipe
        Recipe of the training.
    shares
        Shares of its epochs, in [0, 1].

    Returns
    -------
    list of int
        Epochs in ascending order, without the last, whose network is the finished checkpoint.

    Examples
    --------
    >>> snapshot_epochs(Recipe("a", "abs", "mnist", "raw", (784,), epochs=20))
    [0, 1, 2, 4, 10]
    """
    return sorted({round(share * recipe.epochs) for share in shares} - {recipe.epochs})


def snapshot_path(folder: Path, recipe: Recipe, seed: int, epoch: int) -> Path:
    """Name the snapshot of one seed and epoch.

    Parameters
    ----------
    folder
        Folder of the finished checkpoints.
    recipe
        Recipe of the training.
    seed
        Seed of the network.
    epoch
        Number of epochs done.

    Examples
    --------
    >>> snapshot_path(Path("runs"), Recipe("abs", "abs", "mnist", "raw", (784,)), seed=7, epoch=10).name
    'abs-mnist-007-epoch00010.pt'
    """
    return folder / "along" / f"{recipe.name}-{recipe.data}-{seed:03d}-epoch{epoch:05d}.pt"


class Snapshots:
    """Function that saves every model of a stack at some epochs, for `zoo.training.TrainOptions.watch`.

    Parameters
    ----------
    folder
        Folder of the finished checkpoints; snapshots go into its subfolder ``along``.
    recipe
        Recipe of the training.
    splits
        Scaled data, for the accuracy and loss stated in each snapshot.
    """

    def __init__(self, folder: Path, recipe: Recipe, splits: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        self.folder, self.recipe, self.splits = folder, recipe, splits
        self.epochs = snapshot_epochs(recipe)

    def __call__(self, stack: Stack, epoch: int) -> None:
        """Save the stack, if this is one of the epochs."""
        if epoch not in self.epochs:
            return
        module = build(self.recipe.architecture, **self.recipe.arguments).eval()
        for index, seed in enumerate(stack.seeds):
            state = stack.member(index)
            module.load_state_dict({name: value.cpu() for name, value in state.items()})
            path = snapshot_path(self.folder, self.recipe, seed, epoch)
            reached = metrics(module, self.splits)
            checkpoints.save(path, self.recipe, state, seed=seed, epoch=epoch, metrics=reached)

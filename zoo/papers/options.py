"""What every reproduction is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from interp.data import DataOptions, load_dataset
from interp.errors import UsageError
from interp.types import Dataset
from zoo.checkpoints import is_finished
from zoo.recipes import Recipe
from zoo.training.evaluate import scaled
from zoo.training.snapshots import Snapshots
from zoo.training.train import TrainOptions, checkpoint_paths, train


@dataclass(frozen=True)
class ReproduceOptions:
    """Sizes and places of a reproduction.

    Attributes
    ----------
    runs
        Networks a condition; None for as many as the paper has.
    epochs
        Of each; None for as many as the paper has.
    device
        ``cpu`` or ``cuda``.
    data
        Where MNIST is looked for.
    reports
        The report goes into a subfolder of this.
    trained
        Folder of the networks; those already there are used, interrupted ones continued.
    train
        Train what is missing; else report on what is finished.
    """

    runs: int | None = None
    epochs: int | None = None
    device: str = "cpu"
    data: DataOptions = field(default_factory=DataOptions)
    reports: Path = Path("reports")
    trained: Path = Path("runs")
    train: bool = True

    def mnist(self) -> Dataset:
        """Open MNIST."""
        return load_dataset("mnist", self.data)

    def networks(self, recipe: Recipe, runs: int, data: Dataset, folder: str, along: bool = False) -> list[Path]:
        """Train what is missing of some runs, or list what is finished.

        Parameters
        ----------
        recipe, runs
            What to train, with seeds from 0.
        data
            Its data set.
        folder
            Subfolder of `trained`.
        along
            Save snapshots too, see `zoo.training.snapshots`.
        """
        training = self.training(folder)
        if not self.train:
            names = checkpoint_paths(recipe, range(runs), training)
            return [path for seed, path in names.items() if is_finished(path, recipe, seed)]
        if along:
            training = replace(training, watch=Snapshots(training.out, recipe, scaled(data, recipe)))
        return train(recipe, range(runs), data, training)

    def training(self, folder: str) -> TrainOptions:
        """Give the options to train into a subfolder of `trained`."""
        return TrainOptions(self.trained / folder, self.device, numbered=True)


def nothing_finished(folder: Path) -> UsageError:
    """Build the error for a report on networks that are not there."""
    return UsageError(folder, found="no finished network", expected="one at least", do="leave out --finished")

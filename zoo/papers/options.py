"""What every reproduction is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from interp.data import DataOptions, load_dataset
from interp.errors import UsageError
from interp.types import Dataset
from zoo.checkpoints import is_finished
from zoo.recipes import Recipe
from zoo.training import Snapshots, TrainOptions, checkpoint_paths, scaled, train


@dataclass(frozen=True)
class ReproduceOptions:
    """Size of a reproduction, and its folders.

    Attributes
    ----------
    runs
        Number of networks a condition; None for the paper's.
    epochs
        Number of epochs of each network; None for the paper's.
    device
        Device that networks are trained on, ``cpu`` or ``cuda``.
    data
        Options of where MNIST is found.
    reports
        Folder whose subfolder, such as ``as-nn``, takes the report.
    trained
        Folder of the trained networks; those already there are used, interrupted ones continued.
    train
        Whether missing networks are trained; else the report is on what is finished.
    others
        Folder of checkpoints that others published, for the report that reads them; None for none.
    """

    runs: int | None = None
    epochs: int | None = None
    device: str = "cpu"
    data: DataOptions = field(default_factory=DataOptions)
    reports: Path = Path("reports")
    trained: Path = Path("runs")
    train: bool = True
    others: Path | None = None

    def mnist(self) -> Dataset:
        """Open MNIST.

        Raises
        ------
        DataError
            If it is not found and cannot be downloaded.
        """
        return load_dataset("mnist", self.data)

    def networks(self, recipe: Recipe, runs: int, data: Dataset, folder: str, along: bool = False) -> list[Path]:
        """Train what is missing of some runs, or list what is finished.

        Parameters
        ----------
        recipe
            Recipe of the training.
        runs
            Number of networks, with seeds from 0.
        data
            Data set that they are trained on.
        folder
            Name of the subfolder of `trained`.
        along
            Whether snapshots are saved too, see `zoo.training.Snapshots`.

        Returns
        -------
        list of Path
            Checkpoints, in the order of their seeds.

        Raises
        ------
        UsageError
            If a network's loss stops being finite, or the folder cannot be written.
        MismatchError
            If a checkpoint of that name holds another training.
        """
        training = self.training(folder)
        if not self.train:
            names = checkpoint_paths(recipe, range(runs), training)
            return [path for seed, path in names.items() if is_finished(path, recipe, seed)]
        if along:
            training = replace(training, watch=Snapshots(training.out, recipe, scaled(data, recipe)))
        return train(recipe, range(runs), data, training)

    def training(self, folder: str) -> TrainOptions:
        """Give the options to train into a subfolder of `trained`.

        Parameters
        ----------
        folder
            Name of the subfolder.
        """
        return TrainOptions(self.trained / folder, self.device, numbered=True)


def nothing_finished(folder: Path) -> UsageError:
    """Make the error for a report on networks that are not there.

    Parameters
    ----------
    folder
        Folder that they were looked for in.

    Examples
    --------
    >>> str(nothing_finished(Path("runs")))
    'runs: found no finished network; expected one at least; leave out --finished'
    """
    return UsageError(folder, found="no finished network", expected="one at least", do="leave out --finished")

"""What every reproduction is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from interp.datasets import DataOptions, load_dataset
from interp.types import Dataset
from zoo.train import TrainOptions


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
    """

    runs: int | None = None
    epochs: int | None = None
    device: str = "cpu"
    data: DataOptions = field(default_factory=DataOptions)
    reports: Path = Path("reports")
    trained: Path = Path("runs")

    def mnist(self) -> Dataset:
        """Open MNIST."""
        return load_dataset("mnist", self.data)

    def training(self, folder: str) -> TrainOptions:
        """Give the options to train into a subfolder of `trained`."""
        return TrainOptions(self.trained / folder, self.device)

"""Sums over the samples so far that are written into one of two places in turn, with each block of samples.

A kill between two writes leaves the sums that belong to the samples that are on disk.
"""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np


@dataclass(frozen=True)
class Turns:
    """Two places for sums in turn, and the number of samples that the sums in each are over.

    Attributes
    ----------
    name
        Name of the dataset that holds these numbers (2,), in the group of a split.

    Examples
    --------
    >>> turns = Turns("summed")
    >>> with h5py.File("turns", "w", driver="core", backing_store=False) as file:
    ...     turns.prepare(file)
    ...     here = turns.place(file, 0)
    ...     turns.settle(file, 1 - here, 512)
    ...     here, turns.place(file, 512)
    (0, 1)
    """

    name: str

    def prepare(self, group: h5py.Group) -> None:
        """Say that the sums in the first place are over no samples, and that there are none in the second.

        Parameters
        ----------
        group
            HDF5 group of a split.
        """
        group.create_dataset(self.name, data=np.array([0, -1]))

    def is_in(self, group: h5py.Group) -> bool:
        """Whether a split has such sums.

        Parameters
        ----------
        group
            HDF5 group of the split.
        """
        return self.name in group

    def place(self, group: h5py.Group, samples: int) -> int:
        """Give the place of the sums over some samples.

        Parameters
        ----------
        group
            HDF5 group of a split.
        samples
            Number of samples that the sums are over.

        Raises
        ------
        ValueError
            If there are none over so many.
        """
        found: list[int] = group[self.name][()].tolist()
        return found.index(samples)

    def settle(self, group: h5py.Group, place: int, samples: int) -> None:
        """Say how many samples the sums in a place are over, once all of them are written.

        Parameters
        ----------
        group
            HDF5 group of a split.
        place
            Place of the sums, 0 or 1.
        samples
            Number of these samples.
        """
        group[self.name][place] = samples

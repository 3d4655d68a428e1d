"""Samples whose pre-activations are stored: their indices in the file, with the rule by which they were drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import h5py
import numpy as np

from interp.types import Array

KEPT, RULE = "kept", "rule"


@dataclass(frozen=True)
class Kept:
    """Samples that are stored, of splits of which others are left out.

    Attributes
    ----------
    samples
        Name of a split -> index of each sample that is stored (G,), ascending.
    rule
        Rule by which they were drawn, in words; empty where no split leaves any out.

    Examples
    --------
    >>> kept = Kept({"train": np.array([1, 4, 5])}, "drawn")
    >>> kept.before("train", 5), kept.before("test", 5), kept.within("train", 4, 9).tolist()
    (2, 5, [0, 1])
    """

    samples: Mapping[str, Array] = field(default_factory=dict)
    rule: str = ""

    def before(self, split: str, samples: int) -> int:
        """Count the samples that are stored among the first ones of a split.

        Parameters
        ----------
        split
            Name of the split.
        samples
            Number of these first samples.
        """
        return int(np.searchsorted(self.samples[split], samples)) if split in self.samples else samples

    def within(self, split: str, first: int, last: int) -> Array:
        """Give the samples that are stored among some that follow each other, counted from the first of these.

        Parameters
        ----------
        split
            Name of the split.
        first, last
            Index of the first of them, and of the one behind the last.
        """
        if split not in self.samples:
            return np.arange(last - first)
        found = self.samples[split]
        return np.asarray(found[slice(*np.searchsorted(found, [first, last]))] - first)

    def part(self, ends: Mapping[str, tuple[int, int]]) -> Kept:
        """Give what is stored of a part of each split, counted from its first sample.

        Parameters
        ----------
        ends
            Name of a split -> index of the first sample of the part, and of the one behind the last.
        """
        found = {split: self.within(split, *at) for split, at in ends.items() if split in self.samples}
        return Kept(found, self.rule)


def write_kept(group: h5py.Group, split: str, kept: Kept) -> None:
    """Write which samples of a split are stored; nothing where all are.

    Parameters
    ----------
    group
        HDF5 group of the split.
    split
        Name of the split.
    kept
        Samples that are stored.
    """
    if split in kept.samples:
        group.create_dataset(KEPT, data=kept.samples[split].astype(np.int64)).attrs[RULE] = kept.rule


def read_kept(group: h5py.Group) -> tuple[Array | None, str]:
    """Read which samples of a split are stored, and the rule by which they were drawn; None and nothing: all.

    Parameters
    ----------
    group
        HDF5 group of the split.

    Raises
    ------
    ValueError
        If they are no samples of the split in order.
    """
    if KEPT not in group:
        return None, ""
    found, samples = group[KEPT][()], len(group["predictions"])
    if found.ndim != 1 or found.dtype.kind not in "iu" or (np.diff(found) <= 0).any():
        raise ValueError("samples that are stored are out of order")
    if len(found) and not 0 <= found[0] <= found[-1] < samples:
        raise ValueError(f"samples {found[0]:,} to {found[-1]:,} of {samples:,} are stored")
    return found, str(group[KEPT].attrs[RULE])

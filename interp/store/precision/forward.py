"""How far pre-activations and outputs of forward passes in fewer bits lie from those in float32, on some samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import h5py
import numpy as np

from interp.store.precision.rounding import SUMMANDS, added, merged, relative
from interp.types import Array, ForwardLoss, NodeLayer

COMPUTED_IN, SUMS, OUTPUTS, COUNTS = "computed-in", "forward_sums", "forward_outputs", "forward_counts"
NONE = -1
"""Number of changed predictions where there are none."""

Block = tuple[Mapping[str, Array], Array | None, Array]
"""Layer name -> rows, the outputs (B, ...) or None, and the predicted classes (B,)."""


@dataclass(frozen=True)
class ForwardSums:
    """Sums over samples that were run both ways.

    Attributes
    ----------
    samples
        Number of samples.
    outputs
        Number of values of all their outputs; 0 where none were compared.
    changed
        Number of samples whose predicted class differs; -1 where no classes are predicted.
    of_outputs
        Sums over all values of the outputs, (4, 1); see `interp.store.precision.rounding`.
    rows
        Layer name -> number of rows.
    of_layers
        Layer name -> sums over the rows (4, N).
    """

    samples: int
    outputs: int
    changed: int
    of_outputs: Array
    rows: Mapping[str, int]
    of_layers: Mapping[str, Array]

    @staticmethod
    def none(nodes: Mapping[str, int]) -> ForwardSums:
        """Give the sums over no samples.

        Parameters
        ----------
        nodes
            Layer name -> number of nodes.
        """
        empty = {name: np.zeros((SUMMANDS, count)) for name, count in nodes.items()}
        return ForwardSums(0, 0, NONE, np.zeros((SUMMANDS, 1)), dict.fromkeys(nodes, 0), empty)

    def with_block(self, exact: Block, other: Block) -> ForwardSums:
        """Give the sums with further samples.

        Parameters
        ----------
        exact, other
            Rows, outputs and classes in float32, and in the other type.
        """
        (z, outputs, classes), (own, theirs, guesses) = exact, other
        layers = {name: added(sums, self.rows[name], z[name], own[name]) for name, sums in self.of_layers.items()}
        rows = {name: count + len(z[name]) for name, count in self.rows.items()}
        samples, changed, total, sums = self.samples + len(classes), self.changed, self.outputs, self.of_outputs
        if (classes >= 0).any():
            changed = max(changed, 0) + int((classes != guesses).sum())
        if outputs is not None and theirs is not None:
            sums = added(sums, total, outputs.reshape(-1, 1), theirs.reshape(-1, 1))
            total += outputs.size
        return ForwardSums(samples, total, changed, sums, rows, layers)

    def merge(self, other: ForwardSums) -> ForwardSums:
        """Give the sums over the samples of both.

        Parameters
        ----------
        other
            Sums over other samples.
        """
        layers = {
            name: merged(sums, self.rows[name], other.of_layers[name], other.rows[name])
            for name, sums in self.of_layers.items()
        }
        outputs = self.of_outputs
        if other.outputs:
            outputs = merged(outputs, self.outputs, other.of_outputs, other.outputs)
        known = [one.changed for one in (self, other) if one.changed != NONE]
        rows = {name: count + other.rows[name] for name, count in self.rows.items()}
        samples, total = self.samples + other.samples, self.outputs + other.outputs
        return ForwardSums(samples, total, sum(known) if known else NONE, outputs, rows, layers)

    def loss(self, dtype: str) -> ForwardLoss:
        """Give what follows from the sums.

        Parameters
        ----------
        dtype
            Name of the type that forward passes were computed in.
        """
        known = relative(self.of_outputs, self.outputs) if self.outputs else np.full((2, 1), np.nan)
        largest, typical = known[:, 0].tolist()
        changed = np.nan if self.changed == NONE else self.changed / self.samples
        layers = {name: relative(sums, self.rows[name]) for name, sums in self.of_layers.items()}
        return ForwardLoss(dtype, self.samples, layers, largest, typical, changed)


def prepare_forward(group: h5py.Group, layers: Sequence[NodeLayer], dtype: str) -> None:
    """Take room in a split for the sums.

    Parameters
    ----------
    group
        HDF5 group of the split, with a group for each layer.
    layers
        Layers that are recorded.
    dtype
        Name of the type that forward passes are computed in.
    """
    group.attrs[COMPUTED_IN] = dtype
    group.create_dataset(COUNTS, data=np.zeros(3, np.int64))
    group.create_dataset(OUTPUTS, data=np.zeros((SUMMANDS, 1)))
    for layer in layers:
        part = group["z"][layer.name]
        part.create_dataset(SUMS, data=np.zeros((SUMMANDS, layer.nodes)))


def write_forward(group: h5py.Group, found: ForwardSums) -> None:
    """Write the sums into the room that was taken.

    Parameters
    ----------
    group
        HDF5 group of the split.
    found
        Sums over the samples of the split that were compared.
    """
    group[COUNTS][...] = found.samples, found.outputs, found.changed
    group[OUTPUTS][...] = found.of_outputs
    for name, sums in found.of_layers.items():
        group["z"][name][SUMS][...] = sums


def read_forward(group: h5py.Group, layers: Sequence[NodeLayer]) -> tuple[str, ForwardSums] | None:
    """Read the type that forward passes were computed in, and the sums; None where it was float32.

    Parameters
    ----------
    group
        HDF5 group of a split.
    layers
        Layers that were recorded.

    Raises
    ------
    ValueError
        If sums are of another shape.
    """
    if COMPUTED_IN not in group.attrs:
        return None
    samples, outputs, changed = (int(count) for count in group[COUNTS][()])
    found = {layer.name: group["z"][layer.name][SUMS][()] for layer in layers}
    of_outputs = group[OUTPUTS][()]
    if samples < 1 or of_outputs.shape != (SUMMANDS, 1):
        raise ValueError("what was compared with float32 is missing")
    if any(found[layer.name].shape != (SUMMANDS, layer.nodes) for layer in layers):
        raise ValueError("sums of other layers were compared with float32")
    rows = {layer.name: samples * int(group["z"][layer.name].attrs["positions"]) for layer in layers}
    return str(group.attrs[COMPUTED_IN]), ForwardSums(samples, outputs, changed, of_outputs, rows, found)


def merged_loss(parts: Sequence[tuple[str, ForwardSums] | None]) -> ForwardLoss | None:
    """Give what follows from the sums of several files; None where passes were computed in float32.

    Parameters
    ----------
    parts
        Type and sums of each, as `read_forward` gives them.
    """
    known = [part for part in parts if part is not None]
    return reduce(ForwardSums.merge, (sums for _, sums in known)).loss(known[0][0]) if known else None

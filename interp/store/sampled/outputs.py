"""Sums over the outputs of all samples, where the values of some only are stored.

They are written with each block of samples (`interp.store.turns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import h5py
import numpy as np

from interp.analysis.outputs.sums import OutputSums
from interp.store.turns import Turns
from interp.types import Array, NodeLayer

SUMS = "output_sums"
SUMMED = Turns("output_summed")
FIELDS = ("low", "high", "total", "active")


def prepare_outputs(group: h5py.Group, layers: Sequence[NodeLayer]) -> None:
    """Take room in a split for the sums of all layers.

    Parameters
    ----------
    group
        HDF5 group of the split, with a group for each layer.
    layers
        Layers that are recorded.
    """
    SUMMED.prepare(group)
    for layer in layers:
        nothing = np.array([np.inf, -np.inf, 0, 0])[:, None].repeat(layer.nodes, axis=1)
        group["z"][layer.name].create_dataset(SUMS, data=np.stack([nothing, nothing]))


def add_outputs(group: h5py.Group, before: int, samples: int, found: Mapping[str, OutputSums]) -> None:
    """Add some samples to the sums of a split.

    Parameters
    ----------
    group
        HDF5 group of the split.
    before
        Number of samples before these.
    samples
        Number of these samples.
    found
        Layer name -> sums over the outputs of these samples.
    """
    here = SUMMED.place(group, before)
    for layer, sums in found.items():
        place = group["z"][layer][SUMS]
        both = _sums(place[here], 0).merge(sums)
        place[1 - here] = np.stack([getattr(both, name) for name in FIELDS])
    SUMMED.settle(group, 1 - here, before + samples)


def outputs_of(group: h5py.Group, layer: str, samples: int, rows: int) -> OutputSums:
    """Read the sums over the outputs of a layer.

    Parameters
    ----------
    group
        HDF5 group of the split.
    layer
        Name of the layer.
    samples
        Number of samples that the sums are over.
    rows
        Number of their rows.
    """
    return _sums(group["z"][layer][SUMS][SUMMED.place(group, samples)], rows)


def _sums(values: Array, rows: int) -> OutputSums:
    return OutputSums(rows, **dict(zip(FIELDS, values, strict=True)))

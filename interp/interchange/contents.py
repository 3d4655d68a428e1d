"""What is exported of a run: recorded values by layer and split, and one row a node of what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from urllib.parse import quote

import numpy as np
import pandas as pd

from interp.types import Array, NodeLayer, Recording

BLOCK = 8192
"""Largest number of rows that are in memory at once."""


@dataclass(frozen=True)
class Sheet:
    """Recorded pre-activations of one layer on one split, with what is known of each row.

    Attributes
    ----------
    recording
        Recording of the split.
    layer
        Layer of the network.

    Examples
    --------
    >>> layer = NodeLayer("conv1", "conv", 1, 9, "relu", "conv1")
    >>> at = {"sample": {"conv1": np.array([0, 0, 1, 1])}, "position": {"conv1": np.array([4, 7, 4, 7])}}
    >>> unused = {"output_range": {}, "output_mean": {}, "active_share": {}}
    >>> known = {"labels": np.array([3, 5]), "predictions": np.array([3, 3]), "provenance": None}
    >>> sheet = Sheet(Recording("train", (layer,), {"conv1": np.zeros((4, 1))}, **at, **known, **unused), layer)
    >>> sheet.positions, sheet.addresses
    (2, ['conv1:0'])
    >>> {name: values.tolist() for name, values in sheet.columns(slice(1, 3)).items()}
    {'sample': [0, 1], 'position': [7, 4], 'label': [3, 5], 'prediction': [3, 3]}
    """

    recording: Recording
    layer: NodeLayer

    @property
    def split(self) -> str:
        """Name of the split."""
        return self.recording.split

    @property
    def rows(self) -> int:
        """Number of rows: samples, times positions of a convolution."""
        return int(self.recording.z[self.layer.name].shape[0])

    @property
    def samples(self) -> int:
        """Number of samples of the split whose values are recorded."""
        kept = self.recording.kept
        return len(self.recording.predictions) if kept is None else len(kept)

    @property
    def positions(self) -> int:
        """Number of rows of each sample."""
        return self.rows // max(1, self.samples)

    @property
    def place(self) -> Array:
        """Flat index of each row's output position (L,); empty where there is only one position."""
        return self.recording.position[self.layer.name]

    @property
    def addresses(self) -> list[str]:
        """Address of each node, such as ``fc1:17``."""
        return [f"{self.layer.name}:{node}" for node in range(self.layer.nodes)]

    def columns(self, rows: slice) -> dict[str, Array]:
        """Give what is known of some rows: the sample, and its position, label and prediction where there are any.

        Parameters
        ----------
        rows
            Rows that are asked for.
        """
        sample = self.recording.sample[self.layer.name][rows]
        found = {"sample": sample}
        if len(self.place):
            found["position"] = self.place[rows]
        if self.recording.labels is not None:
            found["label"] = self.recording.labels[sample]
        return {**found, "prediction": self.recording.predictions[sample]}

    @property
    def origin(self) -> dict[str, Array]:
        """Index of each row's sample, and its position where samples have several."""
        return {name: values for name, values in self.columns(slice(None)).items() if name in ("sample", "position")}

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, Array]]:
        """Yield the pre-activations in order, a block of rows at a time.

        Parameters
        ----------
        size
            Largest number of rows at a time.

        Yields
        ------
        slice, Array
            Rows of the block, and their pre-activations (size, N), float32; fewer rows at the end.
        """
        for number, z in enumerate(self.recording.batches(self.layer.name, size)):
            yield slice(number * size, number * size + len(z)), z


@dataclass(frozen=True)
class Contents:
    """Everything that is exported of a run.

    Attributes
    ----------
    recordings
        Name of a split -> its recording.
    layers
        Layers that are exported.
    nodes
        One row a node, by address (``fc1:17``), as `interp.Analysis.nodes` has it; those of the layers alone.
    """

    recordings: Mapping[str, Recording]
    layers: tuple[NodeLayer, ...]
    nodes: pd.DataFrame

    def sheets(self) -> Iterator[Sheet]:
        """Yield the recorded values of each layer on each split, split by split."""
        for recording in self.recordings.values():
            for layer in self.layers:
                yield Sheet(recording, layer)

    @cached_property
    def node_columns(self) -> dict[str, Array]:
        """Name of a column -> value for each node: numbers, truth values, or text, empty where there is none."""
        return {
            "name": _plain(self.nodes.index.to_series()),
            **{str(key): _plain(self.nodes[key]) for key in self.nodes},
        }

    @property
    def provenance(self) -> str:
        """Network, data, seed, versions and options of the recording, as JSON."""
        found = next(iter(self.recordings.values())).provenance
        return json.dumps(asdict(found), sort_keys=True)


def _plain(column: pd.Series) -> Array:
    """Give a column's values as an array without Python objects."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        values: Array = column.to_numpy(float if column.isna().any() else None)
        return values
    return np.array(["" if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)], "U")


def plain_name(name: str) -> str:
    """Give a name without what file names, groups of HDF5 and members of archives may not hold.

    Parameters
    ----------
    name
        Name of a layer or split.

    Examples
    --------
    >>> plain_name("layer1.0.conv1"), plain_name("../a b"), plain_name("..")
    ('layer1.0.conv1', '..%2Fa%20b', '%2E%2E')
    """
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")

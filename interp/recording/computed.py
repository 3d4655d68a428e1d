"""Recordings without a file of values: the network is run again where rows are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch

from interp.analysis.outputs.sums import OutputSums
from interp.network.inputs import as_tensor, device_of, input_blocks
from interp.recording.gather import rows_of_block
from interp.recording.positions import drawn_positions, position_counts, samples_a_block
from interp.recording.predictions import classes_of, has_predictions
from interp.types import Array, Dataset, LoadedModel, NodeLayer, Provenance, Recording
from interp.types.arrays import picked


@dataclass(frozen=True)
class _Source:
    """Samples of a split with the network that is run on them, by one thread at a time."""

    model: LoadedModel
    inputs: Array
    lock: Any
    block: int

    def rows(self, first: int, places: Mapping[str, Array]) -> dict[str, Array]:
        """Run the network on one block of samples, and give layer name -> rows."""
        some = self.inputs[first : first + self.block]
        x = as_tensor(some, self.model.scaling, self.model.input_shape).to(device_of(self.model.module))
        with self.lock:
            return {name: chosen.z for name, chosen in rows_of_block(self.model, first, x, places)[1].items()}


@dataclass
class ComputedRows:
    """Pre-activations of a layer (L, N): a table whose rows are computed when they are asked for, block by block.

    The blocks are those in which a recording is written, so that the values are the same to the last bit.

    Attributes
    ----------
    source
        Samples with the network.
    layer
        Layer of the network.
    places
        Positions of each sample (S, p).
    """

    source: _Source
    layer: NodeLayer
    places: Array
    _held: tuple[int, Array] = field(default_factory=lambda: (-1, np.empty(0)))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and nodes."""
        return self.places.size, self.layer.nodes

    @property
    def dtype(self) -> np.dtype:
        """Type of the values, float32."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return self.places.size

    def __getitem__(self, key: Any) -> Any:
        """Compute some rows: a slice, indices, or one of these and columns."""
        rows, *columns = key if isinstance(key, tuple) else (key,)
        if not isinstance(rows, slice):
            return picked(rows, len(self), lambda wanted: self._ascending(wanted)[(slice(None), *columns)])
        start, stop, step = rows.indices(len(self))
        found = self._between(start, stop)[::step] if step > 0 else self._between(stop + 1, start + 1)[::step]
        return found[(slice(None), *columns)]

    def _ascending(self, wanted: Array) -> Array:
        """Compute rows whose numbers increase, so that no block is run twice."""
        found = [self._between(int(row), int(row) + 1) for row in wanted]
        return np.concatenate(found) if found else np.empty((0, self.layer.nodes), self.dtype)

    def _between(self, start: int, stop: int) -> Array:
        size = self.source.block * self.places.shape[1]
        parts = []
        for first in range(start - start % size, max(stop, start), size):
            block = self._block(first // self.places.shape[1])
            parts.append(block[max(start - first, 0) : stop - first])
        return np.concatenate(parts) if parts else np.empty((0, self.layer.nodes), self.dtype)

    def _block(self, first: int) -> Array:
        """Give the rows of a block of samples; the last one that was computed is kept."""
        held = self._held
        if held[0] != first:
            held = first, self.source.rows(first, {self.layer.name: self.places})[self.layer.name]
            self._held = held
        return held[1]


class Later:
    """Array that is computed when it is first read.

    Parameters
    ----------
    make
        Function that computes it.

    Examples
    --------
    >>> Later(lambda: np.arange(3))[1:]
    array([1, 2])
    """

    def __init__(self, make: Callable[[], Array]) -> None:
        self._make = make

    @cached_property
    def values(self) -> Array:
        """Array itself."""
        return self._make()

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, key: Any) -> Any:
        return self.values[key]

    def __array__(self, *kinds: Any, **named: Any) -> Array:
        return np.asarray(self.values, *kinds)


def computed_recording(
    model: LoadedModel,
    data: Dataset,
    split: str,
    outputs: Mapping[str, OutputSums],
    provenance: Provenance,
    seed: int = 0,
    lock: Any = None,
    predictions: bool = True,
    positions: int | None = None,
) -> Recording:
    """Give a recording whose values are computed when they are asked for, the same as one on disk would hold.

    Parameters
    ----------
    model
        Network whose layers are looked at.
    data
        Data set that it is run on.
    split
        Name of the split.
    outputs
        Layer name -> statistics of the nodes' outputs, which are not computed here.
    provenance
        Origin of the statistics.
    seed
        Seed of the random number generator that draws the positions of convolutions.
    lock
        Lock to hold while the network runs; None for one of its own.
    predictions
        Whether the recording has the class that the network predicts for each sample; else the network is not run to
        its end.
    positions
        Number of positions of a sample that was asked for; None for as many as make a table of bounded length.

    Returns
    -------
    Recording
        Pre-activations of all layers; each run through the rows of a layer is a pass of the network over the samples.
    """
    counts, part = position_counts(model, data), data.splits[split]
    places = drawn_positions(model, data, split, counts, seed, asked=positions)
    source = _Source(model, part.inputs, lock or threading.RLock(), samples_a_block(model, counts))
    samples = np.arange(len(part))
    return Recording(
        split=split,
        layers=model.layers,
        z={layer.name: ComputedRows(source, layer, places[layer.name]) for layer in model.layers},
        sample={name: samples if own.shape[1] == 1 else samples.repeat(own.shape[1]) for name, own in places.items()},
        position={name: own.ravel() if counts[name] > 1 else np.empty(0, np.int32) for name, own in places.items()},
        output_range={name: np.stack([own.low, own.high]).astype(np.float64) for name, own in outputs.items()},
        output_mean={name: own.mean for name, own in outputs.items()},
        active_share={name: own.active_share for name, own in outputs.items()},
        labels=part.labels,
        predictions=cast(Array, Later(lambda: _predictions(source, predictions))),
        provenance=provenance,
    )


@torch.no_grad()
def _predictions(source: _Source, are_wanted: bool) -> Array:
    """Give the class that the network predicts for each sample (S,); none where they are not wanted."""
    if not are_wanted or not has_predictions(source.model):
        return classes_of(None, len(source.inputs), source.model)
    with source.lock:
        blocks = input_blocks(source.model, source.inputs, source.block)
        return np.concatenate([classes_of(source.model.module(x), len(x), source.model) for _, x in blocks])

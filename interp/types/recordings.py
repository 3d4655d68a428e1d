"""What was recorded of a network, with where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.types.arrays import Array, Rows
from interp.types.networks import NodeLayer
from interp.types.shown import Shown


@dataclass(frozen=True, repr=False)
class Provenance(Shown):
    """Where a result came from, enough to refuse a file that belongs elsewhere.

    Attributes
    ----------
    model_digest, data_digest
        SHA-256 of the checkpoint file and of the data.
    seed
        Of every random draw in the run.
    versions
        Package name -> version.
    settings
        The options that shaped the result, JSON-able: checkpoint path, data name, reading.
    """

    model_digest: str
    data_digest: str
    seed: int
    versions: Mapping[str, str]
    settings: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Recording(Shown):
    """Pre-activations of one split, read from disk a batch at a time.

    Attributes
    ----------
    layers
        What was recorded, in network order.
    z
        Layer name -> (S, N) float32. A convolution has one row a recorded position.
    sample
        Layer name -> (S,) index of the input that each row came from.
    position
        Layer name -> (S,) flat index of the output position; empty where there is only one.
    output_range
        Layer name -> (2, N): least and largest activation output.
    output_mean
        Layer name -> (N,): mean activation output.
    active_share
        Layer name -> (N,): share of rows whose activation output exceeds 1e-6 in size.
    labels, predictions
        Per input, (S,) int64; labels None without them, predictions -1 where the task has no classes.
    provenance
        Of model and data.
    """

    split: str
    layers: tuple[NodeLayer, ...]
    z: Mapping[str, Rows]
    sample: Mapping[str, Array]
    position: Mapping[str, Array]
    output_range: Mapping[str, Array]
    output_mean: Mapping[str, Array]
    active_share: Mapping[str, Array]
    labels: Array | None
    predictions: Array
    provenance: Provenance
    close: Callable[[], None] = lambda: None

    def batches(self, layer: str, size: int = 8192) -> Iterator[Array]:
        """Yield z of one layer in order, (<= size, N) float32 at a time."""
        rows = self.z[layer]
        for start in range(0, rows.shape[0], size):
            yield np.asarray(rows[start : start + size])

    def row_labels(self, layer: str) -> Array | None:
        """Give the label of each row of a layer, (S,), or None without labels."""
        return None if self.labels is None else self.labels[self.sample[layer]]

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

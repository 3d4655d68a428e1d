"""The inputs behind recorded rows, computed again and not stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from interp.network.inputs import BLOCK, as_tensor, device_of, input_blocks
from interp.network.maps.read import read_by
from interp.types import Array, Dataset, LayerRows, LoadedModel, Recording

MOST_VALUES = 16_777_216
"""Largest number of a layer's inputs that are in memory at once: 64 MB."""


@torch.no_grad()
def layer_rows(model: LoadedModel, data: Dataset, recording: Recording, layer: str) -> Iterator[LayerRows]:
    """Yield a layer's recorded rows in order, some at a time, with the inputs that they came from.

    Parameters
    ----------
    model
        Network that was recorded.
    data
        Data set that it was recorded on.
    recording
        One split of the recording.
    layer
        Name of the layer.

    Yields
    ------
    LayerRows
        Pre-activations, what the layer reads, and the scaled inputs of the network.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from interp.checkpoints import load_module
    >>> from interp.recording import record_activations
    >>> from interp.store import open_recording
    >>> from interp.types import Provenance
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Linear(8, 10)), "digits")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "activations.h5")
    ...     record_activations(model, data, path, Provenance(model.digest, data.digest, 0, {}, {}))
    ...     with open_recording(path, "test") as recording:
    ...         next(layer_rows(model, data, recording, "1"))
    LayerRows(z=float32[360, 10], layer_input=float32[360, 8], network_input=float32[360, 64])
    """
    target = model.layer(layer)
    z, inputs = recording.z[layer], data.splits[recording.split].inputs
    kept = z.shape[0] // (len(inputs) if recording.kept is None else len(recording.kept))
    width = kept * target.inputs + data.width
    for rows, x in _stored_blocks(model, inputs, recording.kept, max(1, min(2 * BLOCK, MOST_VALUES // width))):
        first, last = rows.start * kept, rows.stop * kept
        position = recording.position[layer][first:last]
        flat = torch.from_numpy(position.astype(np.int64) if position.size else np.zeros(len(x), np.int64))
        index = torch.arange(len(x)).repeat_interleave(kept)
        read = read_by(model.module, target, x).rows(len(x), index, flat).cpu().numpy()
        network = x.flatten(1).cpu().numpy()
        yield LayerRows(np.asarray(z[first:last]), read, read if np.array_equal(read, network) else network)


def _stored_blocks(model: LoadedModel, inputs: Array, kept: Array | None, size: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield scaled inputs of the samples that are stored, some at a time, with the places of these among them."""
    if kept is None:
        yield from input_blocks(model, inputs, size)
        return
    device = device_of(model.module)
    for start in range(0, len(kept), size):
        some = kept[start : start + size]
        yield slice(start, start + len(some)), as_tensor(inputs[some], model.scaling, model.input_shape).to(device)

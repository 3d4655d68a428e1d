"""model x data -> Recording, streamed to disk in one pass for all layers; and the inputs behind its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from interp.analysis.outputs import output_statistics
from interp.network.hooks import tap
from interp.network.inputs import BLOCK, as_tensor, device_of, input_blocks
from interp.network.linear_maps import read_by
from interp.network.nodes import rows_of_nodes
from interp.network.own_activations import Function, output_functions
from interp.store import RecordingWriter
from interp.tasks import find_task
from interp.tasks.predictions import predict
from interp.types import Array, Dataset, LayerRows, LoadedModel, NodeLayer, Provenance, Recording, Split

MOST_ROWS = 262_144
"""Rows a layer and split: beyond, a convolution's positions are drawn at random from each input."""

MOST_VALUES = 16_777_216
"""Values of all layers, or of what one layer reads, that are held at once: 64 MB."""


@torch.no_grad()
def record_activations(model: LoadedModel, data: Dataset, path: Path, provenance: Provenance, seed: int = 0) -> None:
    """Record every layer's pre-activations over every split.

    Parameters
    ----------
    path
        The HDF5 file; a partial one of the same run is resumed.
    seed
        Of the positions drawn from convolutions.
    """
    counts = position_counts(model, data)
    samples = {name: len(split) for name, split in data.splits.items()}
    kept = {layer.name: _kept_positions(counts[layer.name], max(samples.values())) for layer in model.layers}
    example = as_tensor(data.train.inputs[:2], model.scaling, model.input_shape).to(device_of(model.module))
    functions = output_functions(model.module, model.layers, example)
    with RecordingWriter(path, model.layers, samples, kept, provenance) as writer:
        for name, split in data.splits.items():
            positions = {
                layer.name: _draw_positions(counts[layer.name], kept[layer.name], len(split), [seed, i])
                for i, layer in enumerate(model.layers)
            }
            _record_split(model, name, split, writer, counts, positions)
            outputs = {
                layer.name: _output_statistics(writer.values(name, layer.name), functions[layer.name])
                for layer in model.layers
            }
            writer.summarise(name, split.labels, outputs)


def _record_split(
    model: LoadedModel,
    name: str,
    split: Split,
    writer: RecordingWriter,
    counts: dict[str, int],
    positions: dict[str, Array],
) -> None:
    done = writer.done(name)
    bar = tqdm(total=len(split), initial=done, desc=f"recording {name}", unit="inputs", disable=None)
    width = sum(layer.nodes * counts[layer.name] for layer in model.layers)
    for rows, x in input_blocks(model, split.inputs[done:], max(1, min(8 * BLOCK, MOST_VALUES // width))):
        with tap(model.module, model.layers) as values:
            outputs = model.module(x)
        start, count = done + rows.start, len(x)
        z = {
            layer.name: _chosen_rows(values[layer.name], layer, positions[layer.name][start : start + count])
            for layer in model.layers
        }
        writer.write(name, start, _classes(outputs, model), z)
        bar.update(count)
    bar.close()


def _classes(outputs: Tensor, model: LoadedModel) -> Array:
    """Give the predicted classes, (B,); -1 where the task has none."""
    counted = find_task(model.task).counted
    guess = predict(outputs, model.output) if counted else torch.full((len(outputs),), -1)
    return np.asarray(guess.cpu())


# --------------------------------------------------------------------------- positions


@torch.no_grad()
def position_counts(model: LoadedModel, data: Dataset) -> dict[str, int]:
    """Count the positions of one input at which each layer computes its nodes."""
    example = as_tensor(data.train.inputs[:1], model.scaling, model.input_shape).to(device_of(model.module))
    with tap(model.module, model.layers) as values:
        model.module(example)
    return {layer.name: len(rows_of_nodes(values[layer.name], layer.kind)) for layer in model.layers}


def multiply_adds(model: LoadedModel, data: Dataset) -> int:
    """Count the multiplications and additions of all node layers on one input."""
    counts = position_counts(model, data)
    return sum(layer.nodes * layer.inputs * counts[layer.name] for layer in model.layers)


def _kept_positions(count: int, samples: int) -> int:
    return min(count, max(1, MOST_ROWS // samples))


def _draw_positions(count: int, kept: int, samples: int, seed: list[int]) -> Array:
    """Give each input's recorded positions, (S, kept): all, or random ones with replacement."""
    if kept == count:
        return np.broadcast_to(np.arange(count, dtype=np.int32), (samples, count))
    return np.sort(np.random.default_rng(seed).integers(0, count, (samples, kept), dtype=np.int32), axis=1)


def _chosen_rows(output: Tensor, layer: NodeLayer, positions: Array) -> tuple[Array, Array]:
    """Give (values, positions) of the recorded rows, (B * p, N) and (B * p,); no positions where there is one."""
    rows = rows_of_nodes(output, layer.kind)
    flat = _flat_index(positions, len(rows))
    position = positions.ravel() if len(rows) > len(positions) else np.empty(0, np.int32)
    return rows[flat].cpu().numpy(), position


def _flat_index(positions: Array, rows: int) -> Tensor:
    per_input = rows // len(positions)
    return torch.from_numpy((positions + np.arange(len(positions))[:, None] * per_input).ravel())


def _output_statistics(values: Array, function: Function) -> tuple[Array, Array, Array]:
    """Least and largest activation output (2, N), its mean (N,), and the share of rows where it is active."""
    size = 8 * BLOCK
    blocks = (torch.from_numpy(values[start : start + size]) for start in range(0, len(values), size))
    found = output_statistics(function(block).numpy() for block in blocks)
    return np.stack([found.low, found.high]), found.mean, found.active_share


# --------------------------------------------------------------------------- inputs behind rows


@torch.no_grad()
def layer_rows(model: LoadedModel, data: Dataset, recording: Recording, layer: str) -> Iterator[LayerRows]:
    """Yield a layer's recorded rows with the inputs they came from, recomputed and not stored."""
    target = model.layer(layer)
    z, inputs = recording.z[layer], data.splits[recording.split].inputs
    kept = z.shape[0] // len(inputs)
    width = kept * target.inputs + data.width
    for rows, x in input_blocks(model, inputs, max(1, min(2 * BLOCK, MOST_VALUES // width))):
        first, last = rows.start * kept, rows.stop * kept
        position = recording.position[layer][first:last]
        flat = torch.from_numpy(position.astype(np.int64) if position.size else np.zeros(len(x), np.int64))
        index = torch.arange(len(x)).repeat_interleave(kept)
        read = read_by(model.module, target, x).rows(len(x), index, flat).cpu().numpy()
        network = x.flatten(1).cpu().numpy()
        yield LayerRows(np.asarray(z[first:last]), read, read if np.array_equal(read, network) else network)

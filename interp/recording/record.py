"""Every node's pre-activations, streamed to disk in one pass for all layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from interp.analysis import output_statistics
from interp.analysis.outputs.sums import OutputSums
from interp.network.inputs import BLOCK, as_tensor, device_of, input_blocks
from interp.network.own_activations import Function, output_functions
from interp.network.own_data import check_data
from interp.recording.forward import check_runs, compared, computed_as
from interp.recording.gather import Chosen, rows_of_block
from interp.recording.kept import Store, rule_of, store_of, stored_samples
from interp.recording.options import StoreOptions
from interp.recording.positions import drawn_positions, position_counts, positions_a_sample, samples_a_block
from interp.recording.predictions import classes_of, has_predictions
from interp.store import RecordingWriter, file_name
from interp.store.sampled.kept import Kept
from interp.types import Array, Dataset, LoadedModel, Provenance, Split
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Seed


@checked
@torch.no_grad()
def record_activations(
    model: LoadedModel,
    data: Dataset,
    path: str | Path,
    provenance: Provenance,
    seed: Seed = 0,
    how: StoreOptions = StoreOptions(),
    part: Mapping[str, tuple[int, int]] | None = None,
    store: Store = True,
) -> None:
    """Record every layer's pre-activations over every split; predictions and statistics of outputs of all samples.

    Parameters
    ----------
    model
        Network whose layers are recorded.
    data
        Data set that it is run on.
    path
        Name of the HDF5 file; an unfinished one with the same provenance is continued.
    provenance
        Origin of the recording, saved with it.
    seed
        Seed of the random number generator that draws the recorded positions of convolutions, and of the samples that
        are stored.
    how
        Options of what is stored and how. Statistics of outputs are those of the stored values; where samples are left
        out, of values that were not rounded.
    part
        Name of a split -> index of the first sample that is recorded of it, and of the one behind the last; None for
        all of every split.
    store
        Samples of each split whose pre-activations are stored: all (True), a share of them (0.1) or a number (5000).

    Raises
    ------
    UsageError
        If the folder cannot be written, another process is writing the same recording, or values are beyond the type.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from interp.checkpoints import load_module
    >>> from interp.store import open_recording
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Linear(8, 10)), "digits")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "activations.h5")
    ...     record_activations(model, data, path, Provenance(model.digest, data.digest, 0, {}, {}))
    ...     with open_recording(path, "test") as recording:
    ...         {name: z.shape for name, z in recording.z.items()}
    {'0': (360, 8), '1': (360, 10)}
    """
    check_data(model, data)
    path = file_name(path)
    counts = position_counts(model, data)
    part = {name: (0, len(split)) for name, split in data.splits.items()} if part is None else part
    samples = {name: last - first for name, (first, last) in part.items()}
    kept = {
        layer.name: positions_a_sample(counts[layer.name], data, layer.is_stepwise, asked=how.positions)
        for layer in model.layers
    }
    example = as_tensor(data.train.inputs[:2], model.scaling, model.input_shape).to(device_of(model.module))
    functions = output_functions(model.module, model.layers, example)
    labelled = [name for name in part if data.splits[name].labels is not None]
    placed = [name for name in kept if counts[name] > 1]  # of very many samples one position each is kept
    to_end = how.predictions and has_predictions(model)
    stored = stored_of(data, store_of(store, "store"), seed).part(part)
    if how.forward != "float32":
        check_runs(model, example, how.forward)
    with RecordingWriter(
        path, model.layers, samples, kept, provenance, labelled, how.dtype, placed, how.forward, stored, how.codec
    ) as writer:
        for name, (first, last) in part.items():
            split = data.splits[name]
            positions = drawn_positions(model, data, name, counts, seed, asked=how.positions)
            _record_split(model, name, split, (first, last), writer, counts, positions, to_end, how.forward, functions)
            outputs = {layer.name: _outputs(writer, name, layer.name, functions) for layer in model.layers}
            if how.forward != "float32":
                size = samples_a_block(model, counts)
                writer.compare(name, compared(model, split, (first, last), positions, how.forward, seed, size, to_end))
            writer.summarise(name, None if split.labels is None else split.labels[first:last], outputs)


def stored_of(data: Dataset, store: Store, seed: int) -> Kept:
    """Draw the samples of each split whose pre-activations are stored.

    Parameters
    ----------
    data
        Data set with all samples.
    store
        Samples that are stored of each split: all, a share or a number.
    seed
        Seed of the draw.
    """
    found = {name: stored_samples(len(split), store, seed) for name, split in data.splits.items()}
    return Kept({name: samples for name, samples in found.items() if samples is not None}, rule_of(store, seed))


def _record_split(
    model: LoadedModel,
    name: str,
    split: Split,
    part: tuple[int, int],
    writer: RecordingWriter,
    counts: dict[str, int],
    positions: dict[str, Array],
    to_end: bool,
    dtype: str,
    functions: Mapping[str, Function],
) -> None:
    done, (first, last) = writer.done(name), part
    is_whole = name not in writer.kept.samples
    bar = tqdm(total=last - first, initial=done, desc=f"recording {name}", unit="inputs", disable=None)
    for rows, x in input_blocks(model, split.inputs, samples_a_block(model, counts), first + done, last):
        with computed_as(dtype, model.module):
            outputs, chosen = rows_of_block(model, rows.start, x, positions, to_end)
        start = rows.start - first
        if is_whole:
            z, sums = {layer: (found.z, found.position) for layer, found in chosen.items()}, None
        else:
            kept = writer.kept.within(name, start, start + len(x))
            z = {layer: _rows_of(found, kept, len(x)) for layer, found in chosen.items()}
            sums = {layer: _output_sums(found.z, functions[layer]) for layer, found in chosen.items()}
        writer.write(name, start, classes_of(outputs, len(x), model), z, sums)
        bar.update(len(x))
    bar.close()


def _rows_of(found: Chosen, kept: Array, samples: int) -> tuple[Array, Array]:
    """Give the rows of some samples of a block, and their positions where there are several."""
    places = found.position.reshape(samples, -1)[kept].ravel() if len(found.position) else found.position
    return found.z.reshape(samples, -1, found.z.shape[1])[kept].reshape(-1, found.z.shape[1]), places


def _output_sums(z: Array, function: Function) -> OutputSums:
    return OutputSums.of(function(torch.from_numpy(z)).numpy())


def _outputs(
    writer: RecordingWriter, split: str, layer: str, functions: Mapping[str, Function]
) -> tuple[Array, Array, Array]:
    """Give the statistics of outputs of a split that is whole: of the values, or of the sums over all samples."""
    if split not in writer.kept.samples:
        return _output_statistics(writer.values(split, layer), functions[layer])
    found = writer.outputs(split, layer)
    return np.stack([found.low, found.high]), found.mean, found.active_share


def _output_statistics(values: Array, function: Function) -> tuple[Array, Array, Array]:
    """Give least and largest output of each node (2, N), its mean (N,), and the share of rows where it is active."""
    size = 8 * BLOCK
    blocks = (torch.from_numpy(values[start : start + size]) for start in range(0, len(values), size))
    found = output_statistics(function(block).numpy() for block in blocks)
    return np.stack([found.low, found.high]), found.mean, found.active_share

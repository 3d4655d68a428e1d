"""Positions of one sample at which a layer computes its nodes, and which of them are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interp.analysis.mergeable.draws import mixed
from interp.network.hooks import tap
from interp.network.inputs import BLOCK, as_tensor, device_of
from interp.network.nodes import positions_of_nodes
from interp.types import Array, Dataset, LoadedModel, NodeLayer

MOST_ROWS = 262_144
"""Largest number of rows recorded of a layer and split; where there are more, positions are drawn at random."""

MOST_VALUES = 16_777_216
"""Largest number of values of all layers that are in memory at once: 64 MB."""

QUICK_VALUES = 4_194_304
"""Number of the same up to which memory is used again: 16 MB. Pages of larger arrays are given back to the system after
each block, and taking them anew costs as much as the forward pass of a small network does."""

QUICK_SAMPLES = 64
"""Number of samples that are run at once even where they have more values: fewer make poor use of a layer's weights."""

MOST_STEP_ROWS = 65_536
"""The same of a layer that runs a time step at a time, of which a network has several times as many."""

MOST_KEYS = 1_048_576
"""Largest number of positions that are ordered at once to draw some without replacement: 16 MB."""


@torch.no_grad()
def position_counts(model: LoadedModel, data: Dataset) -> dict[str, int]:
    """Count the positions of one sample, of sequences the longest, at which each of all layers computes its nodes."""
    lengths = data.train.lengths
    first = 0 if lengths is None else int(lengths.argmax())
    one = data.train.inputs[first : first + 1]
    example = as_tensor(one, model.scaling, model.input_shape).to(device_of(model.module))

    def count(layer: NodeLayer, z: Tensor) -> Tensor:
        return torch.tensor(positions_of_nodes(z, layer.kind).shape[1])

    with tap(model.module, model.every_layer, to_end=False, take=count) as counts:
        model.module(example)
    return {layer.name: int(counts[layer.name]) for layer in model.every_layer}


def multiply_adds(model: LoadedModel, data: Dataset, per_gate: int = 0) -> int:
    """Count the multiply-add operations of all node layers on one sample.

    Parameters
    ----------
    model
        Network whose layers are counted.
    data
        Data set whose first training sample is run.
    per_gate
        Number of operations that each value of a gate counts beside its products.

    Returns
    -------
    int
        Sum over layers of nodes x inputs of a node x positions.

    Examples
    --------
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Linear(8, 10)), "digits")
    >>> multiply_adds(model, data)
    592
    """
    counts = position_counts(model, data)
    each = {layer.name: layer.inputs + per_gate * layer.is_stepwise for layer in model.every_layer}
    return sum(layer.nodes * each[layer.name] * counts[layer.name] for layer in model.every_layer)


def kept_positions(count: int, samples: int, stepwise: bool = False, asked: int | None = None) -> int:
    """Give the number of positions that are recorded of each of `samples` samples, of `count` that there are."""
    return min(count, asked or max(1, (MOST_STEP_ROWS if stepwise else MOST_ROWS) // samples))


def positions_a_sample(
    count: int, data: Dataset, stepwise: bool = False, samples: int | None = None, asked: int | None = None
) -> int:
    """Give the number of positions that are recorded of a sample: of padded sequences the mean of their lengths.

    Parameters
    ----------
    count
        Number of positions that there are.
    data
        Data set.
    stepwise
        Whether the layer runs a time step at a time.
    samples
        Number of samples of the largest split; None where the data set has them all.
    asked
        Number of positions that was asked for; None for as many as make a table of bounded length.
    """
    most = kept_positions(count, samples or max(map(len, data.splits.values())), stepwise, asked)
    lengths = data.train.lengths
    return most if lengths is None or count == 1 else min(most, max(1, round(float(lengths.mean()))))


def drawn_positions(
    model: LoadedModel,
    data: Dataset,
    split: str,
    counts: Mapping[str, int],
    seed: int,
    sizes: Mapping[str, int] | None = None,
    asked: int | None = None,
) -> dict[str, Array]:
    """Draw the positions of each sample of a split that are looked at.

    Parameters
    ----------
    model
        Network with its layers.
    data
        Data set.
    split
        Name of the split.
    counts
        Layer name -> number of positions of a sample.
    seed
        Seed of the random number generator.
    sizes
        Name of a split -> number of its samples; None where the data set has them all.
    asked
        Number of positions of a sample that was asked for, which are drawn without replacement; None for as many as
        make a table of bounded length, with replacement.

    Returns
    -------
    dict
        Layer name -> positions (S, p); none of them padding.
    """
    found, part = {}, data.splits[split]
    sizes = sizes or {name: len(each) for name, each in data.splits.items()}
    chosen = {layer.name for layer in model.layers}
    for i, layer in enumerate(model.every_layer):
        if layer.name not in chosen:
            continue
        count, stepwise = counts[layer.name], layer.is_stepwise
        kept = positions_a_sample(count, data, stepwise, max(sizes.values()), asked)
        if part.lengths is not None and 1 < count <= (data.steps or 0):
            found[layer.name] = draw_steps(np.minimum(part.lengths, count), kept, [seed, i])
        else:
            draw = draw_positions if asked is None else draw_distinct
            found[layer.name] = draw(count, kept, sizes[split], [seed, i])
    return found


def samples_a_block(model: LoadedModel, counts: Mapping[str, int]) -> int:
    """Give the number of samples that are run at once, few enough for the values of all layers to fit in memory.

    Parameters
    ----------
    model
        Network with its layers.
    counts
        Layer name -> number of positions of a sample.
    """
    width = sum(layer.nodes * counts[layer.name] for layer in model.every_layer)  # all of them run
    return max(1, min(8 * BLOCK, max(QUICK_VALUES // width, min(QUICK_SAMPLES, MOST_VALUES // width))))


def draw_positions(count: int, kept: int, samples: int, seed: list[int]) -> Array:
    """Draw the positions that are recorded of each sample, (S, kept): all, or random ones with replacement."""
    if kept == count:
        return np.broadcast_to(np.arange(count, dtype=np.int32), (samples, count))
    return np.sort(np.random.default_rng(seed).integers(0, count, (samples, kept), dtype=np.int32), axis=1)


def draw_distinct(count: int, kept: int, samples: int, seed: list[int]) -> Array:
    """Draw positions of each sample, (S, kept), without replacement: each set of `kept` is as likely as the others.

    Examples
    --------
    >>> draw_distinct(3, 2, 4, [0]).tolist()
    [[1, 2], [0, 1], [0, 2], [1, 2]]
    """
    if kept == count:
        return draw_positions(count, kept, samples, seed)
    generator, size = np.random.default_rng(seed), max(1, MOST_KEYS // count)
    found = np.empty((samples, kept), np.int32)
    for start in range(0, samples, size):
        block = found[start : start + size]
        block[:] = _smallest(generator.random((len(block), count)), kept)
    return found


def _smallest(keys: Array, kept: int) -> Array:
    """Give where the `kept` smallest keys of each row are (B, kept), ascending; fewer than there are keys."""
    return np.sort(np.argpartition(keys, kept, axis=1)[:, :kept].astype(np.int32), axis=1)


def draw_steps(lengths: Array, kept: int, seed: list[int]) -> Array:
    """Draw the time steps that are recorded of each sequence, (S, kept): none of padding, and evenly spread.

    Each step of a sequence is as likely as the others; those of a sequence of fewer than `kept` steps come several
    times, those of one of just `kept` steps once each.

    Examples
    --------
    >>> draw_steps(np.array([1, 3, 6]), 3, [0]).tolist()[:2]
    [[0, 0, 0], [0, 1, 2]]
    """
    begin = np.random.default_rng(seed).random((len(lengths), 1))
    places = (np.arange(kept) + begin) * (lengths[:, None] / kept)
    return np.minimum(places.astype(np.int32), lengths[:, None].astype(np.int32) - 1)


@dataclass(frozen=True)
class DrawnPlaces:
    """Positions of samples whose number is not known: random ones, which a sample's index alone decides.

    Attributes
    ----------
    count
        Number of positions that there are.
    kept
        Number of positions that are looked at of each sample.
    salt
        Number of the draw: another one gives other positions.
    distinct
        Whether the positions of a sample differ: they are drawn without replacement.

    Examples
    --------
    >>> DrawnPlaces(9, 2, 0)[3:5].shape
    (2, 2)
    """

    count: int
    kept: int
    salt: int
    distinct: bool = False

    def __getitem__(self, samples: slice) -> Array:
        """Give the positions (B, kept) of some samples."""
        indices = np.arange(samples.start, samples.stop)
        if self.kept == self.count:
            return np.broadcast_to(np.arange(self.count, dtype=np.int32), (len(indices), self.count))
        if self.distinct:
            return _smallest(mixed(indices[:, None] * self.count + np.arange(self.count), self.salt), self.kept)
        bits = mixed(indices[:, None] * self.kept + np.arange(self.kept), self.salt)
        return np.sort((bits % np.uint64(self.count)).astype(np.int32), axis=1)

"""Statistics of every layer, gathered in one pass while samples stream by: no activation is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import reduce
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from interp.analysis.components.values import check_finite
from interp.analysis.mergeable.layers import LayerStatistics
from interp.analysis.mergeable.splits import SplitStatistics, confusion_counts
from interp.network.hooks import tap
from interp.network.inputs import as_tensor, device_of
from interp.network.maps.read import read_by
from interp.network.own_activations import Function, output_functions
from interp.recording.chosen import chosen_rows, values_of
from interp.recording.predictions import are_counted, classes_of, has_predictions
from interp.streams import ahead
from interp.types import Array, LoadedModel, NodeLayer


class Block(NamedTuple):
    """Some samples of a split that follow each other.

    Attributes
    ----------
    first
        Index of the first sample in the split.
    inputs
        Inputs as stored (B, I).
    labels
        Class of each sample (B,); None without classes.

    Examples
    --------
    >>> len(Block(0, np.zeros((3, 2)), None).inputs)
    3
    """

    first: int
    inputs: Array
    labels: Array | None


class Places(Protocol):
    """Positions that are looked at of each sample."""

    def __getitem__(self, samples: slice, /) -> Array:
        """Give the positions (B, p) of some samples."""


@torch.no_grad()
def gather(
    model: LoadedModel,
    blocks: Iterable[Block],
    places: Mapping[str, Places],
    further: bool = False,
    predictions: bool = True,
) -> SplitStatistics:
    """Gather the statistics of all layers over some samples of a split; those of other samples merge with them.

    Parameters
    ----------
    model
        Network whose layers are looked at.
    blocks
        Samples, at least one; whichever part of a split, in any order.
    places
        Layer name -> positions of each sample that are looked at.
    further
        Whether cross moments of inputs and nodes, and co-activity, are gathered too.
    predictions
        Whether predicted classes are counted; else what follows the last layer is not run.

    Returns
    -------
    SplitStatistics
        Statistics of the samples, which do not depend on how they were grouped but for rounding.

    Raises
    ------
    DataError
        If pre-activations are NaN or infinite.

    Examples
    --------
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Linear(8, 10)), "digits")
    >>> places = {layer.name: np.zeros((1437, 1), np.int32) for layer in model.layers}
    >>> x, y = data.train.inputs, data.train.labels
    >>> shards = [gather(model, [Block(first, x[first : first + 719], y[first : first + 719])], places)
    ...           for first in (0, 719)]
    >>> shards[0].merge(shards[1]).layers["0"].moments.count
    1437
    """
    return reduce(SplitStatistics.merge, each_block(model, blocks, places, further, predictions))


def each_block(
    model: LoadedModel,
    blocks: Iterable[Block],
    places: Mapping[str, Places],
    further: bool = False,
    predictions: bool = True,
) -> Iterator[SplitStatistics]:
    """Yield the statistics of each block; raises as `gather` does."""
    functions: dict[str, Function] = {}
    to_end = predictions and has_predictions(model)
    for block, x in scaled(model, blocks):
        functions = functions or output_functions(model.module, model.layers, x[:2])
        outputs, rows = rows_of_block(model, block.first, x, places, to_end)
        layers = {}
        for layer in model.layers:
            z = rows[layer.name].z
            check_finite(np.asarray(np.isfinite(z).all(axis=0)), layer.name)
            samples, labels = rows[layer.name].samples, block.labels
            layers[layer.name] = LayerStatistics.of(
                z,
                samples,
                None if labels is None else labels[samples - block.first],
                functions[layer.name](torch.from_numpy(z)).numpy(),
                _read(model, layer.name, x, rows[layer.name]) if further else None,
            )
        labels = block.labels if are_counted(model) else None
        yield SplitStatistics(len(x), layers, confusion_counts(labels, classes_of(outputs, len(x), model)))


class Chosen(NamedTuple):
    """Rows of a layer that are looked at.

    Attributes
    ----------
    z
        Pre-activations (rows, N).
    samples
        Index in the split of the sample that each row is of (rows,).
    position
        Position of each row (rows,); empty where a layer has only one.
    """

    z: Array
    samples: Array
    position: Array


@torch.no_grad()
def rows_of_block(
    model: LoadedModel, first: int, x: Tensor, places: Mapping[str, Places], to_end: bool = False
) -> tuple[Tensor | None, dict[str, Chosen]]:
    """Run a network on some samples that follow each other, and pick the rows of its layers that are looked at.

    Parameters
    ----------
    model
        Network with its layers.
    first
        Index of the first sample in its split.
    x
        Scaled inputs (B, ...).
    places
        Layer name -> positions of each sample that are looked at, of the layers that are wanted.
    to_end
        Whether the network runs to its end; else what follows the last of these layers is not run.

    Returns
    -------
    Tensor or None, dict
        Outputs of the network, None where it did not run to its end; and layer name -> its rows.
    """
    layers = [layer for layer in model.layers if layer.name in places]
    chosen = {layer.name: places[layer.name][first : first + len(x)] for layer in layers}
    position = {}

    def take(layer: NodeLayer, z: Tensor) -> Tensor:
        rows, position[layer.name] = chosen_rows(z, layer, chosen[layer.name])
        return rows

    outputs: Tensor | None = None
    with tap(model.module, layers, to_end, take) as values:
        outputs = model.module(x)
    found = {}
    for name, own in chosen.items():
        samples = first + np.arange(len(x)).repeat(own.shape[1])
        found[name] = Chosen(values_of(values[name]), samples, position[name])
    return outputs, found


def scaled(model: LoadedModel, blocks: Iterable[Block]) -> Iterator[tuple[Block, Tensor]]:
    """Yield blocks with their scaled inputs on the network's device; the next is read and scaled while one is used.

    Parameters
    ----------
    model
        Network that the inputs are for.
    blocks
        Samples, read in another thread.
    """
    device = device_of(model.module)
    made = ((block, as_tensor(block.inputs, model.scaling, model.input_shape)) for block in blocks)
    with closing(ahead(made)) as following:
        for block, x in following:
            yield block, x.to(device)


def _read(model: LoadedModel, name: str, x: Tensor, rows: Chosen) -> Array:
    """Give what the nodes read on some rows, (rows, D)."""
    each = len(rows.z) // len(x)
    position = rows.position.astype(np.int64) if rows.position.size else np.zeros(len(rows.z), np.int64)
    index = torch.arange(len(x)).repeat_interleave(each)
    found = read_by(model.module, model.layer(name), x).rows(len(x), index, torch.from_numpy(position))
    return np.asarray(found.cpu().numpy())

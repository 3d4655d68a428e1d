"""A second pass over samples: histograms of nodes whose range and moments the first pass has found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch

from interp.analysis.mergeable.splits import SplitStatistics
from interp.analysis.mixtures import Binned, bin_values
from interp.recording.gather import Block, Places, rows_of_block, scaled
from interp.types import Array, LoadedModel, NodeLayer

ROOM = 2**25
"""Largest number of values of the histograms that are in memory at once: 256 MB."""

Halves = tuple[Binned, Binned]
"""Histograms of the two halves of the samples, with the same edges."""


@torch.no_grad()
def bin_halves(
    model: LoadedModel,
    blocks: Iterable[Block],
    places: Mapping[str, Places],
    found: SplitStatistics,
    second: Array,
    bins: int,
) -> dict[str, Halves]:
    """Sort the values of layers into bins between their extremes, those of each half of the samples apart.

    Histograms of other samples, sorted by the same statistics, are added to these with ``+``.

    Parameters
    ----------
    model
        Network whose layers are looked at.
    blocks
        Samples, whichever part of a split.
    places
        Layer name -> positions of each sample that are looked at, of the layers that are wanted.
    found
        Statistics of all samples of the split, from the first pass.
    second
        True for each sample of the second half (S,).
    bins
        Number of bins.

    Returns
    -------
    dict
        Layer name -> histograms of the first and the second half.
    """
    sums: dict[str, Halves] = {}
    for block, x in scaled(model, blocks):
        for name, rows in rows_of_block(model, block.first, x, places)[1].items():
            total, is_second = found.layers[name].moments, second[rows.samples]
            scale, z = np.sqrt(total.var), rows.z
            first, other = (
                bin_values([z[is_second == half]], total.mean, scale, total.minimum, total.maximum, bins)
                for half in (False, True)
            )
            before = sums.get(name)
            sums[name] = (first, other) if before is None else (before[0] + first, before[1] + other)
    return sums


def added(some: Mapping[str, Halves], others: Mapping[str, Halves]) -> dict[str, Halves]:
    """Put the histograms of two sets of samples together, sorted by the same statistics.

    Parameters
    ----------
    some, others
        Layer name -> histograms of the two halves of some samples.
    """
    return {name: (first + others[name][0], second + others[name][1]) for name, (first, second) in some.items()}


def in_groups(layers: Sequence[NodeLayer], bins: int) -> Iterator[list[NodeLayer]]:
    """Yield layers in groups whose histograms fit in memory, one layer at least.

    Parameters
    ----------
    layers
        Layers of a network.
    bins
        Number of bins.
    """
    group: list[NodeLayer] = []
    for layer in layers:
        if group and 6 * bins * sum(each.nodes for each in (*group, layer)) > ROOM:
            yield group
            group = []
        group.append(layer)
    if group:
        yield group

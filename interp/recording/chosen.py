"""Rows of a layer's output that are recorded, copied out while the network runs."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from interp.network.nodes import positions_of_nodes
from interp.types import Array, NodeLayer


def chosen_rows(output: Tensor, layer: NodeLayer, positions: Array) -> tuple[Tensor, Array]:
    """Copy the recorded rows out of a layer's output, and nothing else of it.

    Parameters
    ----------
    output
        Output of the layer for B samples.
    layer
        Layer that the output is of.
    positions
        Recorded positions of each sample (B, p).

    Returns
    -------
    values
        Pre-activations of the recorded rows (B * p, N), on the device of the output.
    positions
        Position of each row (B * p,); empty where a layer has only one.
    """
    spots = positions_of_nodes(output, layer.kind)
    if spots.shape[1] == 1:
        return spots[:, 0].clone(memory_format=torch.contiguous_format), np.empty(0, np.int32)
    return _picked(spots, positions), positions.ravel()


def _picked(spots: Tensor, positions: Array) -> Tensor:
    """Copy the rows at some positions (B, p) of samples (B, P, N), (B * p, N), with one index for sample and position.

    Both lie at multiples of one step in memory: rows that begin at each such step are a view, which holds the rows
    that are wanted. To index by sample and position takes up to half as long again.
    """
    sample, position, node = spots.stride()
    step = math.gcd(sample, position) or 1
    last = (len(spots) - 1) * sample + (spots.shape[1] - 1) * position
    every = spots.as_strided((last // step + 1, spots.shape[2]), (step, node))
    index = np.arange(len(spots))[:, None] * (sample // step) + positions * np.int64(position // step)
    return every[torch.from_numpy(index.ravel()).to(spots.device)].contiguous()


def values_of(rows: Tensor) -> Array:
    """Give rows as an array; numpy knows no bfloat16, whose values are those of float32 with fewer bits."""
    return np.asarray((rows.float() if rows.dtype == torch.bfloat16 else rows).cpu())

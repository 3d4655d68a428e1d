"""Where the samples are in a layer's values: found by changing one sample, and moved to axis 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from interp.types import NodeLayer

Layout = Literal["samples", "folded", "positions-first", "steps", "steps-backwards"]


def layout_of(first: Tensor, second: Tensor, kind: str) -> Layout | None:
    """Tell the layout of a layer's values from two runs, on samples (a, b) and (a, c).

    Parameters
    ----------
    first, second
        Values of the layer in the two runs; rows that differ do not belong to sample a.
    kind
        Kind of the layer's nodes.

    Returns
    -------
    str or None
        Layout of the values; None where the rows of the two samples cannot be told apart, since they do not come in
        pairs, or change together.
    """
    if first.shape != second.shape or len(first) % 2:
        return _interleaved(first, second, kind)
    half = len(first) // 2
    if _same(first[:half], second[:half]):
        return "samples" if half == 1 else "folded"
    return _interleaved(first, second, kind)


def _interleaved(first: Tensor, second: Tensor, kind: str) -> Layout | None:
    rows = [values.reshape(-1, values.shape[-1]) for values in (first, second)]
    if kind != "linear" or first.shape != second.shape or len(rows[0]) % 2:
        return None
    return "positions-first" if _same(rows[0][::2], rows[1][::2]) else None


def _same(first: Tensor, second: Tensor) -> bool:
    """Tell whether values are equal; NaN in both counts as equal, since the same operations gave it."""
    return bool(((first == second) | (first.isnan() & second.isnan())).all())


def samples_first(values: Tensor, layer: NodeLayer, samples: int) -> Tensor:
    """Arrange z with samples on axis 0: (B, N), (B, N, H, W), or (B, T, N) where positions were on axis 0 too."""
    if layer.layout == "samples" or layer.is_stepwise:
        return values
    if layer.kind != "linear":  # several images a sample
        return values.reshape(samples, -1, *values.shape[1:]).transpose(1, 2).flatten(3)
    if layer.layout == "folded":
        return values.reshape(samples, -1, values.shape[-1])
    return values.reshape(-1, samples, values.shape[-1]).transpose(0, 1)


def in_time(calls: Sequence[Tensor], layer: NodeLayer) -> Tensor:
    """Put the values of all time steps (B, N), in the order of the calls, side by side in that of time: (B, T, N).

    Examples
    --------
    >>> gate = NodeLayer("l0.hidden", "gate", 1, 2, "tanh", "l0.hidden", "steps-backwards")
    >>> in_time([torch.tensor([[2.0]]), torch.tensor([[1.0]])], gate).tolist()
    [[[1.0], [2.0]]]
    """
    return torch.stack(list(calls)[::-1] if layer.layout == "steps-backwards" else list(calls), 1)


def as_it_was(values: Tensor, layer: NodeLayer, shape: tuple[int, ...]) -> Tensor:
    """Undo `samples_first`."""
    if layer.layout == "positions-first":
        values = values.transpose(0, 1)
    elif layer.layout == "folded" and layer.kind != "linear":
        values = values.transpose(1, 2)
    return values.reshape(shape)

"""Where the samples are in a layer's values, found by changing one sample and put on axis 0."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from interp.types import NodeLayer

Layout = Literal["samples", "folded", "positions-first"]


def layout_of(first: Tensor, second: Tensor, kind: str) -> Layout | None:
    """Tell the layout from a layer's values of samples (a, b) and of samples (a, c).

    Rows that differ do not belong to a. None where the rows of one sample cannot be told from the
    other's: they do not come in pairs, or change together.
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
    """Whether values are equal; what is not a number in both is, since the same sums gave it."""
    return bool(((first == second) | (first.isnan() & second.isnan())).all())


def samples_first(values: Tensor, layer: NodeLayer, samples: int) -> Tensor:
    """Lay z out with samples on axis 0: (B, N), (B, N, H, W), or (B, T, N) of anything folded."""
    if layer.layout == "samples":
        return values
    if layer.kind != "linear":  # several images a sample
        return values.reshape(samples, -1, *values.shape[1:]).transpose(1, 2).flatten(3)
    if layer.layout == "folded":
        return values.reshape(samples, -1, values.shape[-1])
    return values.reshape(-1, samples, values.shape[-1]).transpose(0, 1)


def as_it_was(values: Tensor, layer: NodeLayer, shape: tuple[int, ...]) -> Tensor:
    """Undo `samples_first`."""
    if layer.layout == "positions-first":
        values = values.transpose(0, 1)
    elif layer.layout == "folded" and layer.kind != "linear":
        values = values.transpose(1, 2)
    return values.reshape(shape)

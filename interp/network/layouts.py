"""Where the samples are in a layer's values: found by exchanging one sample, and moved to axis 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from interp.types import NodeLayer

Layout = Literal["samples", "folded", "positions-first", "steps", "steps-backwards"]

Take = Callable[[NodeLayer, Tensor], Tensor]
"""Function of a layer and its z that copies what is kept of it."""

Read = Callable[[Tensor, Sequence[NodeLayer], Take], Mapping[str, Tensor]]
"""Function that runs a network on samples and gives layer name -> what is kept of z, rows in the network's order."""

ALIKE = 0.01
"""Largest difference of z between rows of equal samples, which only rounding tells apart; a share of the largest z."""


def with_layouts(layers: Sequence[NodeLayer], first: Tensor, second: Tensor, read: Read) -> list[NodeLayer]:
    """Find the layouts of layers' values, by runs in which one sample is exchanged for another.

    Two samples tell the layout where every row of the exchanged one changes. Rows that do not, such as those of a class
    token before attention, can leave two layouts: of two samples at two positions, the second sample's second position
    is the last row of both. Such layers are looked at with three samples too: axes of positions keep their length, and
    rows that change with the first sample and with the last one fit one layout alone.

    Parameters
    ----------
    layers
        Layers whose layouts are not known, unless they run a time step at a time.
    first, second
        Two different samples as the network takes them, (1, ...).
    read
        Function that runs the network.

    Returns
    -------
    list
        Layers with their layouts; without those whose rows belong to no one sample.
    """
    pair = _Exchanges(read, layers, [first, first], {1: second})
    found = {layer.name: pair.fitting(layer) for layer in layers}
    unclear = [layer for layer in layers if found[layer.name] and not pair.is_whole(layer)]
    if unclear:
        three = _Exchanges(read, unclear, [first, second, first], {0: second, 2: second})
        found |= {layer.name: three.also_fitting(layer, found[layer.name]) for layer in unclear}
    kept = [(layer, next(iter(found[layer.name]))) for layer in layers if found[layer.name]]
    return [layer if layer.is_stepwise else replace(layer, layout=layout) for layer, layout in kept]


class _Exchanges:
    """Values of layers for B samples, and which of their rows change where one of these is another.

    Parameters
    ----------
    read
        Function that runs the network.
    layers
        Layers to read.
    samples
        Samples, (1, ...) each.
    others
        Index of a sample -> the one that takes its place.
    """

    def __init__(
        self, read: Read, layers: Sequence[NodeLayer], samples: Sequence[Tensor], others: Mapping[int, Tensor]
    ) -> None:
        self.count = len(samples)
        self.values = read(torch.cat([*samples]), layers, lambda layer, z: z.clone())
        self.changed = {
            index: read(torch.cat([*samples[:index], other, *samples[index + 1 :]]), layers, self._changed)
            for index, other in others.items()
        }

    def _changed(self, layer: NodeLayer, z: Tensor) -> Tensor:
        """Tell which rows change (R,); all, where there are other rows."""
        before = self.values[layer.name]
        if layer.is_stepwise:  # of packed sequences as many steps as the longest has
            before, z = (values[:, : min(before.shape[1], z.shape[1])] for values in (before, z))
        old, new = _rows(before, layer), _rows(z, layer)
        return _differ(old, new) if before.shape == z.shape else torch.ones(len(old), dtype=torch.bool)

    def fitting(self, layer: NodeLayer) -> dict[Layout, int]:
        """Give the layouts in which only rows of the exchanged samples change, each with its positions a sample."""
        shape, rows = self.values[layer.name].shape, len(_rows(self.values[layer.name], layer))
        along = shape[0] if len(shape) > 1 else 0
        possible: dict[Layout, int] = {"samples" if along == self.count else "folded": along}
        if layer.is_stepwise:
            possible.pop("folded", None)
        elif not _is_image(layer):
            possible["positions-first"] = rows
        return {
            layout: length // self.count
            for layout, length in possible.items()
            if length and length % self.count == 0 and self._is_apart(layer, layout)
        }

    def _is_apart(self, layer: NodeLayer, layout: Layout) -> bool:
        """Tell whether no rows of other samples change with an exchanged one."""
        parts = ((index, _by_sample(rows[layer.name], layout, self.count)) for index, rows in self.changed.items())
        return not any(bool(part[:index].any() or part[index + 1 :].any()) for index, part in parts)

    def is_whole(self, layer: NodeLayer) -> bool:
        """Tell whether as many rows change as belong to the exchanged samples."""
        return all(int(rows[layer.name].sum()) * self.count == len(rows[layer.name]) for rows in self.changed.values())

    def also_fitting(self, layer: NodeLayer, layouts: Mapping[Layout, int]) -> dict[Layout, int]:
        """Give those of some layouts that fit here too, with as many positions.

        Where no row changes, several do; then those in which the first sample and the last one, which are equal, have
        equal values.
        """
        both = {layout: count for layout, count in self.fitting(layer).items() if layouts.get(layout) == count}
        return {layout: count for layout, count in both.items() if self._is_alike(layer, layout)} or both

    def _is_alike(self, layer: NodeLayer, layout: Layout) -> bool:
        """Tell whether the first sample and the last one have the same values, up to rounding."""
        own = _by_sample(_rows(self.values[layer.name], layer), layout, self.count)
        most = float(own.abs().nan_to_num(0, 0).max()) if own.numel() else 0.0
        return torch.allclose(own[0], own[-1], rtol=0, atol=ALIKE * most, equal_nan=True)


def _is_image(layer: NodeLayer) -> bool:
    return layer.kind.startswith("conv")


def _rows(values: Tensor, layer: NodeLayer) -> Tensor:
    """Arrange z as rows: images of a convolution, otherwise the nodes at one position."""
    values = values if values.dim() > 1 else values[None]
    return values.flatten(1) if _is_image(layer) else values.flatten(0, -2)


def _by_sample(rows: Tensor, layout: Layout, samples: int) -> Tensor:
    """Arrange rows (R, ...) by sample and position (B, R / B, ...)."""
    each, tail = len(rows) // samples, rows.shape[1:]
    if layout == "positions-first":
        return rows.reshape(each, samples, *tail).transpose(0, 1)
    return rows.reshape(samples, each, *tail)


def _differ(first: Tensor, second: Tensor) -> Tensor:
    """Tell which rows differ; NaN in both counts as equal, since the same operations gave it."""
    return ~((first == second) | (first.isnan() & second.isnan())).all(1)


# --------------------------------------------------------------------------- samples on axis 0


def samples_first(values: Tensor, layer: NodeLayer, samples: int) -> Tensor:
    """Arrange z with samples on axis 0: (B, N), (B, N, H, W), or (B, T, N) where positions were on axis 0 too."""
    if layer.layout == "samples" or layer.is_stepwise:
        return values
    if _is_image(layer):  # several images a sample
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
    elif layer.layout == "folded" and _is_image(layer):
        values = values.transpose(1, 2)
    return values.reshape(shape)

"""Padding, stride and pooling of a stack of convolutions: one pooling layout of those that its shapes leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product


@dataclass(frozen=True)
class PoolingLayout:
    """Padding, stride and pooling from an image to the first dense layer, or to the outputs; a value a convolution.

    Attributes
    ----------
    image
        Shape of one input, (channels, height, width).
    padding, stride
        Padding in pixels on every side, and stride, of each convolution.
    pooling
        Side of the pooling window after each convolution; 1 for none.
    end
        Reduction of each channel after the last convolution: its ``mean`` or ``max`` over all positions; empty to keep
        all positions.
    kind
        Kind of all pooling, ``max`` or ``avg``.
    pool_stride
        Stride of the pooling window after each convolution; empty where each is the window's side.
    """

    image: tuple[int, int, int]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    pooling: tuple[int, ...]
    end: str = ""
    kind: str = "max"
    pool_stride: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Say it in words."""
        steps = f" at stride {_list(self.pool_stride)}" if self.pool_stride else ""
        pooled = f"{self.kind} pooling {_list(self.pooling)}{steps}" if max(self.pooling) > 1 else "no pooling"
        end = f", {self.end} over positions" if self.end else ""
        return f"padding {_list(self.padding)}, stride {_list(self.stride)}, {pooled}{end}"

    @cached_property
    def variants(self) -> tuple[PoolingLayout, ...]:
        """Layouts with the same shapes and every kind of pooling that makes a difference, the usual first."""
        kinds = ("max", "avg") if max(self.pooling) > 1 else ("max",)
        ends = ("mean", "max") if self.end else ("",)
        return tuple(replace(self, end=end, kind=kind) for end, kind in product(ends, kinds))

    @property
    def shows(self) -> bool:
        """Whether it stands for all of its `variants` in a first trial: the mean over positions, else max pooling."""
        return self.end == "mean" or (not self.end and self.kind == "max")


@dataclass(frozen=True)
class Layouts:
    """Pooling layouts that lead from an image to the outputs.

    Attributes
    ----------
    tried
        Layouts for the data to choose from, the most usual first.
    found
        Number of layouts that lead there, among those that were looked at.
    """

    tried: list[PoolingLayout]
    found: int

    @property
    def note(self) -> str:
        """Sentence on how many layouts were left out; empty if none was."""
        return f"the {len(self.tried)} most usual of {self.found:,} were tried" if len(self.tried) < self.found else ""


def _list(values: Sequence[int]) -> str:
    return "-".join(map(str, values))

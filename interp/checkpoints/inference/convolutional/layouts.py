"""Padding, stride and pooling of a stack of convolutions: one pooling layout of those that its shapes leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class PoolingLayout:
    """One way from an image to the first dense layer, or to the scores; a value a convolution.

    Attributes
    ----------
    image
        Shape of one input, (channels, height, width).
    padding, stride
        Padding on every side, and stride, of each convolution.
    pooling
        Side of the pooling window after each convolution, which is its stride; 1 for none.
    end
        What each channel becomes after the last convolution: its ``mean`` or ``max`` over all positions, or
        nothing but flat.
    kind
        Kind of all pooling, ``max`` or ``avg``.
    """

    image: tuple[int, int, int]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    pooling: tuple[int, ...]
    end: str = ""
    kind: str = "max"

    def __str__(self) -> str:
        """Say it in words."""
        pooled = f"{self.kind} pooling {_list(self.pooling)}" if max(self.pooling) > 1 else "no pooling"
        end = f", {self.end} over positions" if self.end else ""
        return f"padding {_list(self.padding)}, stride {_list(self.stride)}, {pooled}{end}"

    @property
    def variants(self) -> tuple[PoolingLayout, ...]:
        """The same layout with every kind of pooling that would make a difference, the usual first."""
        kinds = ("max", "avg") if max(self.pooling) > 1 else ("max",)
        ends = ("mean", "max") if self.end else ("",)
        return tuple(replace(self, end=end, kind=kind) for end, kind in product(ends, kinds))

    @property
    def shows(self) -> bool:
        """Whether a layout that is right shows under this variant: where it closes, max pooling stands for the mean."""
        return self.end == "mean" or (not self.end and self.kind == "max")


@dataclass(frozen=True)
class Layouts:
    """Pooling layouts that lead from an image to the scores.

    Attributes
    ----------
    tried
        Layouts for the data to choose from, the most usual first.
    found
        Number of layouts that lead there, of those that were looked at.
    """

    tried: list[PoolingLayout]
    found: int

    @property
    def note(self) -> str:
        """Say where not all were handed on."""
        return f"the {len(self.tried)} most usual of {self.found:,} were tried" if len(self.tried) < self.found else ""


def _list(values: Sequence[int]) -> str:
    return "-".join(map(str, values))

"""What is known of the arrays of a graph, and the rule for what is not known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx

from interp.comparison.permutations.factors import Axes, Factors

POINTWISE = {"hardtanh", "_prelu_kernel", "prelu", "celu", "dropout", "masked_fill", "where"}
"""Operations entry by entry that torch does not mark as such."""

Outputs = list[Axes]
"""Axes of each array that an operation gives."""


@dataclass
class Known:
    """What is known of the values of a graph so far.

    Attributes
    ----------
    factors
        Factors of all axes.
    axes
        Values -> axes of the arrays that they are; one for a value that is an array.
    held
        Sentences about operations whose nodes have to stay in order.
    maps
        Values that linear maps and convolutions give.
    """

    factors: Factors
    axes: dict[fx.Node, Outputs] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    maps: list[fx.Node] = field(default_factory=list)

    def of(self, value: Any) -> Axes:
        """Give the axes of an array of the graph."""
        return self.axes[value][0]

    def fix(self, factors: Sequence[int], why: str) -> None:
        """Let entries keep their order, and note why where they might have had another."""
        if self.factors.fix(factors) and why not in self.held:
            self.held.append(why)

    def join(self, first: Sequence[int], second: Sequence[int], why: str = "axes that do not fit together") -> None:
        """Let the entries of two axes go together."""
        if not self.factors.join(first, second) and why not in self.held:
            self.held.append(why)


Rule = Callable[[Known, fx.Node], Outputs]


def args(node: Any) -> tuple[Any, ...]:
    """Give what an operation is called on."""
    return tuple(node.args)


def shapes(node: Any) -> list[tuple[int, ...]]:
    """Give the shape of each array that an operation gives; an empty one for what is no array."""
    value = node.meta.get("val")
    given = value if isinstance(value, list | tuple) else [value]
    return [tuple(one.shape) if isinstance(one, Tensor) else () for one in given]


def arrays_of(node: fx.Node) -> list[fx.Node]:
    """Give the values that an operation takes."""
    return list(node.all_input_nodes)


def fixed_axes(known: Known, shape: Sequence[int]) -> Axes:
    """Give the axes of an array whose entries keep their order."""
    return tuple(known.factors.new(size, fixed=True) for size in shape)


def unknown(known: Known, node: fx.Node) -> Outputs:
    """Let everything that meets in an operation without a rule keep its order."""
    for value in arrays_of(node):
        for axes in known.axes[value]:
            known.fix([factor for axis in axes for factor in axis], f"the operation {name_of(node)}")
    return [fixed_axes(known, shape) for shape in shapes(node)]


def name_of(node: fx.Node) -> str:
    """Give the name of an operation, such as ``addmm``."""
    packet = getattr(node.target, "overloadpacket", None)
    return str(getattr(packet or node.target, "__name__", node.target))


def is_pointwise(node: fx.Node) -> bool:
    """Whether each entry of what an operation gives hangs on the entries at its own place alone."""
    return torch.Tag.pointwise in getattr(node.target, "tags", ()) or name_of(node) in POINTWISE


def broadcast(known: Known, arrays: Sequence[Axes], rank: int) -> Axes:
    """Join the axes of arrays that meet entry by entry, those of size 1 repeated."""
    found: list[tuple[int, ...]] = [()] * rank
    for axes in arrays:
        for place, axis in enumerate(axes, rank - len(axes)):
            if axis and found[place]:
                known.join(found[place], axis)
            found[place] = found[place] or axis
    return tuple(found)

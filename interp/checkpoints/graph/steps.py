"""What formats with a graph state, in one form: the parts of a network and which values each one reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

BATCH_NORM = "BatchNorm"
"""Kind of a norm of which the graph does not say over how many axes."""


@dataclass(frozen=True)
class Part:
    """One module of a pickled or scripted network.

    Attributes
    ----------
    kind
        Class name without its package for PyTorch's own layers, such as ``Conv2d``; else the dotted name.
    settings
        Attributes that are plain values, such as ``stride``.
    tensors
        Parameters and buffers of its own, by name.
    children
        Names of its submodules, in order of definition.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One part of a graph.

    Attributes
    ----------
    name
        Dotted name; need not be unique.
    inputs
        Names of the values that it reads, `INPUT` for the network's own input.
    output
        Name of the value it makes.
    """

    name: str
    part: Part
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Graph:
    """A network's parts in running order.

    Attributes
    ----------
    steps
        Parts in running order.
    output
        Name of the value that the network puts out.
    sizes
        Lengths of the input's axes, that of the batch first, None each where the file leaves it open; None where the
        file does not state them.
    """

    steps: tuple[Step, ...]
    output: str
    sizes: tuple[int | None, ...] | None = None


def stated_shapes(sizes: Sequence[int | None], sides: Sequence[int]) -> list[tuple[int, ...]]:
    """List the shapes of one sample that a file states: one, or one a side where lengths are open.

    Parameters
    ----------
    sizes
        Lengths of the input's axes, that of the batch first, None each where one is open.
    sides
        Lengths that open axes may have.

    Examples
    --------
    >>> stated_shapes((None, 4, 10), (28, 32)), stated_shapes((1, 3, None, None), (28, 32))
    ([(4, 10)], [(3, 28, 28), (3, 32, 32)])
    """
    return list(dict.fromkeys(tuple(side if size is None else size for size in sizes[1:]) for side in sides))


class UnknownOperation(Exception):
    """A graph does what no part here does."""


def layer_name(parameter: str, otherwise: str) -> str:
    """Name a layer by its weight's name, as ``fc1.weight`` gives ``fc1``; otherwise as told."""
    parent, _, own = parameter.rpartition(".")
    made_up = "::" in parameter or not re.match(r"[A-Za-z_]", own)
    return otherwise if made_up else parent or re.sub(r"[._]?weights?$", "", own) or otherwise

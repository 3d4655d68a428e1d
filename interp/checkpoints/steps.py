"""What formats with a graph state, in one form: the parts of a network and which values each one reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from interp.checkpoints.inert import Part

BATCH_NORM = "BatchNorm"
"""Kind of a norm of which the graph does not say over how many axes."""


@dataclass(frozen=True)
class Step:
    """One part of a graph.

    Attributes
    ----------
    name
        Dotted; need not be unique.
    inputs
        Names of the values it reads, `INPUT` for the network's own.
    output
        Name of the value it makes.
    """

    name: str
    part: Part
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Graph:
    """A network's parts in running order, and the name of the value that it puts out."""

    steps: tuple[Step, ...]
    output: str


class UnknownOperation(Exception):
    """A graph does what no part here does."""


def layer_name(parameter: str, otherwise: str) -> str:
    """Name a layer by its weight's name, as ``fc1.weight`` gives ``fc1``; otherwise as told."""
    parent, _, own = parameter.rpartition(".")
    made_up = "::" in parameter or not re.match(r"[A-Za-z_]", own)
    return otherwise if made_up else parent or re.sub(r"[._]?weights?$", "", own) or otherwise

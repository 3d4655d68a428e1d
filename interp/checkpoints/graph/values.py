"""What the arguments of a graph's operations stand for."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Ref(NamedTuple):
    """A value that the network computes from its input."""

    name: str


class Stored(NamedTuple):
    """A tensor that the file holds."""

    name: str
    tensor: Tensor


class Unknown:
    """What cannot be told without running the network."""


UNKNOWN = Unknown()
"""A number that only running the network would tell, such as the size of a batch."""

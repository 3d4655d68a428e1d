"""One operation of an ONNX graph, as it is read."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from torch import Tensor

from interp.checkpoints.graph.steps import UnknownOperation
from interp.checkpoints.graph.values import UNKNOWN, Stored

LONGEST_NAME = 120
"""Largest number of letters in a name that is shown."""


class Node(NamedTuple):
    """One operation of a graph.

    Attributes
    ----------
    kind
        Name of the operation, such as ``Gemm``.
    name
        Name that the exporter gave it.
    inputs
        Values that it reads; None where one is left out.
    output
        Name of the first value that it makes.
    attributes
        Settings by name.
    opset
        Version of the operators that the file is written in.
    """

    kind: str
    name: str
    inputs: tuple[Any, ...]
    output: str
    attributes: dict[str, Any]
    opset: int = 13

    def stored(self, at: int) -> Tensor | None:
        """Give the tensor that the node reads as its input number `at`; None where there is none.

        Raises
        ------
        UnknownOperation
            If the network computes that input.
        """
        value = self.inputs[at] if at < len(self.inputs) else None
        if value is not None and not isinstance(value, Stored):
            raise UnknownOperation(f"{self.kind} of a tensor that is computed")
        return None if value is None else value.tensor

    def numbers(self, at: int, name: str) -> list[Any] | None:
        """Give a list of whole numbers, which newer versions read as an input and older ones as an attribute."""
        value = self.inputs[at] if at < len(self.inputs) else self.attributes.get(name)
        if isinstance(value, Stored):
            return [int(one) for one in value.tensor.flatten().tolist()]
        return value if isinstance(value, list) or value is None else [UNKNOWN]


def short_name(name: str) -> str:
    """Give a name as it is, or the start of one that is too long with a digest of the whole."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{digest}"

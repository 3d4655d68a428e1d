"""Networks whose values have several readers: residual connections, branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from interp.network.chain import hold

INPUT = ""
"""Name of the network's input among the values."""


class DagStep(NamedTuple):
    """One module of a network.

    Attributes
    ----------
    name
        Name of the module and of its output.
    module
        Module that is run once.
    inputs
        Names of the values that it reads, in the order of its arguments.
    """

    name: str
    module: nn.Module
    inputs: tuple[str, ...]


class Dag(nn.Module):
    """Modules that read values by name, each run once; the last one's value is the output.

    Parameters
    ----------
    steps
        Modules in an order in which every value is computed before it is read.

    Examples
    --------
    >>> import torch
    >>> from interp.network.branches import INPUT, Dag, DagStep
    >>> double = Dag([DagStep("sum", nn.Bilinear(2, 2, 3), (INPUT, INPUT))])
    >>> double(torch.ones(5, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(self, steps: Sequence[DagStep]) -> None:
        super().__init__()
        self.reads = tuple((step.name, step.inputs) for step in steps)
        for step in steps:
            hold(self, step.name, step.module)

    def forward(self, inputs: Tensor) -> Tensor:
        """Run every step; a value is released after its last reader."""
        last = {value: name for name, values in self.reads for value in values}
        known = {INPUT: inputs}
        result = inputs
        for name, values in self.reads:
            known[name] = result = self.get_submodule(name)(*(known[value] for value in values))
            for value in values:
                if last[value] == name:
                    known.pop(value, None)
        return result

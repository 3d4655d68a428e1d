"""An ONNX graph as a network: torch modules, and pieces between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from interp.checkpoints.deployed.modules.recurrent import Recurrent
from interp.checkpoints.deployed.pieces import Piece, Rows
from interp.checkpoints.deployed.program import FLOAT, Input
from interp.errors import DataError
from interp.network.chain import hold

FLOATS = (FLOAT, 10, 11, 16)
"""Types of floats, as TensorProto.DataType numbers them."""


class Deployed(nn.Module):
    """A network whose layers, norms and activations are torch's, and the rest ONNX Runtime's.

    Parameters
    ----------
    steps
        Name, module, and names of the values that it reads and makes, in running order.
    inputs
        Inputs of the graph, in order.
    outputs
        Names of the outputs that are floats, in order.
    guards
        Name of a condition -> the value under which the graph was opened.
    sample_shape
        Shape of one sample of the first input, as it is given.
    one_by_one
        Whether samples run one after the other, as where the file fixes the length of a batch.
    channels_last
        Whether the graph takes images with their channels last; they are given with their channels first, as data are.
    """

    def __init__(
        self,
        steps: Sequence[Placed],
        inputs: Sequence[Input],
        outputs: Sequence[str],
        guards: Mapping[str, Any],
        sample_shape: tuple[int, ...],
        one_by_one: bool,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.reads = tuple((step.name, step.inputs, step.outputs) for step in steps)
        self.inputs, self.outputs, self.guards = tuple(inputs), tuple(outputs), dict(guards)
        self.sample_shape, self.one_by_one, self.channels_last = sample_shape, one_by_one, channels_last
        for step in steps:
            hold(self, step.name, step.module)

    @property
    def argument_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return tuple(one.name for one in self.inputs)

    def forward(self, *given: Tensor, **named: Tensor) -> Any:
        """Give the outputs, one row a sample (B, C); a dict of them where there are several."""
        values = given or tuple(named[one.name] for one in self.inputs)
        if self.channels_last:
            values = (values[0].movedim(1, -1), *values[1:])
        known = {one.name: self._taken(one, value) for one, value in zip(self.inputs, values, strict=True)}
        last = {value: name for name, reads, _ in self.reads for value in reads}
        kept = {*self.outputs, *self.guards}
        for name, reads, made in self.reads:
            found = run_step(self.get_submodule(name), [known[value] for value in reads])
            known.update(zip(made, found, strict=True))
            for value in reads:
                if last[value] == name and value not in kept:
                    known.pop(value, None)
        self._check_guards(known)
        rows = {name: _as_rows(name, known[name], len(values[0])) for name in self.outputs}
        return rows if len(rows) > 1 else next(iter(rows.values()))

    def _taken(self, said: Input, value: Tensor) -> Rows:
        """Give an input in the type and with the axes that the file states."""
        if said.kind not in FLOATS:
            value = value.round().long()
        if not self.one_by_one:
            return Rows(value)
        rank = value.dim() if said.sizes is None else len(said.sizes)
        if rank == value.dim():
            return Rows(value, (1,) * len(value))
        if rank == 0:
            return Rows(value.reshape(-1), (1,) * len(value), True)
        if rank == value.dim() - 1:
            return Rows(value.flatten(0, 1), (value.shape[1],) * len(value))
        raise ValueError(f"{said.name} takes {rank} axes, not the {value.dim() - 1} of one sample")

    def _check_guards(self, known: Mapping[str, Rows]) -> None:
        for name, value in self.guards.items():
            if any(bool(one.ne(torch.as_tensor(value)).any()) for one in known[name].parts()):
                raise DataError(
                    "ONNX graph",
                    found=f"a sample that takes another branch (at {name}) than the first did",
                    expected="samples that run the same layers",
                    do="give samples of one kind",
                )


class Placed(NamedTuple):
    """One module of a `Deployed` network."""

    name: str
    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def run_step(module: nn.Module, values: Sequence[Rows]) -> list[Rows]:
    """Run one module or piece of a network on values of all samples."""
    if isinstance(module, (Piece, Recurrent)):
        found: list[Rows] = module(*values)
        return found
    value, *others = values
    made = module(*(one.joined.float() for one in (value, *others)))
    return [Rows(made, value.sizes)]


def _as_rows(name: str, value: Rows, samples: int) -> Tensor:
    """Give one row of numbers a sample."""
    joined = value.joined if value.joined.dim() else value.joined.reshape(1)  # of one sample, whose axis was squeezed
    count = len(joined)
    if value.sizes is not None and len(set(value.sizes)) > 1:
        raise DataError(
            "ONNX graph",
            found=f"outputs {name} of different lengths in different samples",
            expected="one shape for all samples",
            do="choose another with --logits",
        )
    if count % samples:
        raise DataError(
            "ONNX graph",
            found=f"{count} rows of {name} for {samples} samples",
            expected="as many for each sample",
            do="choose another output with --logits",
        )
    values = joined.float()
    return values if values.dim() == 2 and count == samples else values.reshape(samples, -1)

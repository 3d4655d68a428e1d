"""Rounding to eight bits, as quantised graphs write it: to integers and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from interp.checkpoints.deployed.program import Program, attributes
from interp.checkpoints.graph.steps import Part, Step
from interp.checkpoints.graph.values import Stored


class Quantised(nn.Module):
    """Values rounded to whole multiples of a scale, as quantised graphs write it: rounded, cut off, and back."""

    scale: Tensor
    zero: Tensor

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.low, self.high, self.axis = (part.settings[name] for name in ("low", "high", "axis"))
        self.register_buffer("scale", part.tensors["scale"].float())
        self.register_buffer("zero", part.tensors["zero"].float())

    def forward(self, values: Tensor) -> Tensor:
        """Round values; channels are on the axis told."""
        scale, zero = self._along(self.scale, values), self._along(self.zero, values)
        steps: Tensor = torch.clamp(torch.round(values / scale) + zero, self.low, self.high)
        return (steps - zero) * scale

    def _along(self, numbers: Tensor, values: Tensor) -> Tensor:
        if numbers.numel() == 1:
            return numbers.reshape(())
        shape = [1] * values.dim()
        shape[self.axis] = -1
        return numbers.reshape(shape)


RANGES = {2: (0, 255), 3: (-128, 127), 4: (0, 65535), 5: (-32768, 32767)}
"""TensorProto.DataType of quantised values -> their least and largest."""


def quantised(steps: Sequence[Step], program: Program, stored: Mapping[str, Stored]) -> list[Step]:
    """Take a rounding and its way back for one function of each value."""
    makers = {node.output[0]: node for node in program.nodes}
    found = []
    for step in steps:
        back = makers.get(step.output)
        forth = makers.get(back.input[0]) if back is not None and back.op_type == "DequantizeLinear" else None
        is_pair = forth is not None and forth.op_type == "QuantizeLinear"
        part = _rounding(forth, back, program, stored) if is_pair else None
        found.append(step if forth is None or part is None else replace(step, part=part, inputs=(forth.input[0],)))
    return found


def _rounding(forth: Any, back: Any, program: Program, stored: Mapping[str, Stored]) -> Part | None:
    said = attributes(forth)
    if list(forth.input[1:]) != list(back.input[1:]) or said.get("block_size") or said != attributes(back):
        return None
    scale = stored.get(forth.input[1])
    zero = stored.get(forth.input[2]) if len(forth.input) > 2 else None
    kind = program.constants[forth.input[2]].data_type if zero is not None else said.get("output_dtype", 2)
    axis = said.get("axis", 1)
    if scale is None or kind not in RANGES or forth.input[0] in program.constants:
        return None
    if scale.tensor.numel() > 1 and axis == 0:
        return None
    low, high = RANGES[kind]
    zeros = torch.zeros_like(scale.tensor) if zero is None else zero.tensor
    return Part("Quantised", {"low": low, "high": high, "axis": axis}, {"scale": scale.tensor, "zero": zeros})

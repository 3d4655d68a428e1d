"""Activations that a graph spells out in arithmetic, such as x times sigmoid(x), told by what they compute.

Exporters write GELU, SiLU and Mish in several ways. Wherever a value depends on one other value through elementwise
steps alone, that function of one number is tabulated and compared with the activations that torch has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from interp.checkpoints.graph.layers import build_layer
from interp.checkpoints.graph.operations import OPERATIONS
from interp.checkpoints.graph.steps import Part, Step

ELEMENTWISE = (
    "Arithmetic",
    "Unary",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Negate",
    "Activation",
    "ReLU",
    "ReLU6",
    "Hardtanh",
    "Hardsigmoid",
    "SlopedHardsigmoid",
    "Threshold",
)
CLOSE = 1e-5
LONGEST = 10  # largest number of steps that one activation is written in
FAR = torch.logspace(0.8, 4, 17)  # a function that equals ReLU up to 20 alone is no ReLU
POINTS = torch.cat([-FAR, torch.linspace(-6, 6, 97), FAR])

SPELLED_OUT: dict[str, tuple[Part, Callable[[Tensor], Tensor]]] = {
    "gelu": (Part("GELU"), F.gelu),
    "gelu by tanh": (Part("GELU", {"approximate": "tanh"}), lambda z: F.gelu(z, approximate="tanh")),
    "silu": (Part("SiLU"), F.silu),
    "mish": (Part("Mish"), F.mish),
    "hardswish": (Part("Hardswish"), F.hardswish),
    "softplus": (Part("Softplus"), F.softplus),
    "relu": (Part("ReLU"), F.relu),
    "abs": (Part("Activation", {"name": "abs"}), torch.abs),
}


def with_activations(steps: Sequence[Step]) -> list[Step]:
    """Replace the last step of every spelled-out activation by the activation; what it was made of is read no more."""
    makers: dict[str, Step] = {}
    for step in steps:
        found = _spelled_out(step, makers) if step.part.kind in ELEMENTWISE else None
        makers[step.output] = step if found is None else found
    return list(makers.values())


def _spelled_out(last: Step, makers: Mapping[str, Step]) -> Step | None:
    steps, sources = _expression(last, makers)
    if len(sources) != 1 or not 2 <= len(steps) <= LONGEST:
        return None
    source = next(iter(sources))
    values = _tabulated(steps, source)
    if values is None:
        return None
    same = (part for part, function in SPELLED_OUT.values() if torch.allclose(values, function(POINTS), atol=CLOSE))
    part = next(same, None)
    return None if part is None else replace(last, part=part, inputs=(source,))


def _expression(last: Step, makers: Mapping[str, Step]) -> tuple[list[Step], set[str]]:
    """List the elementwise steps that lead to a value, in running order, and the values that they start from."""
    steps: dict[str, Step] = {last.output: last}
    sources: set[str] = set()
    open_values = list(last.inputs)
    while open_values and len(steps) <= LONGEST:
        value = open_values.pop()
        maker = makers.get(value)
        if maker is None or maker.part.kind not in ELEMENTWISE:
            sources.add(value)
        elif value not in steps:
            steps[value] = maker
            open_values += maker.inputs
    before = [step for value, step in makers.items() if value in steps]
    return [*before, last], sources


def _tabulated(steps: Sequence[Step], source: str) -> Tensor | None:
    """Compute the last step's value for a range of source values; None where a constant is no single number."""
    values = {source: POINTS}
    for step in steps:
        if any(tensor.numel() > 1 for tensor in step.part.tensors.values()):
            return None
        module = OPERATIONS.get(step.part.kind, build_layer)(step.part)
        if module is None:
            return None
        values[step.output] = module(*(values[value] for value in step.inputs)).reshape(-1)
    result = values[steps[-1].output]
    return result if result.shape == POINTS.shape else None

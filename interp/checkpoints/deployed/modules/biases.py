"""Biases that a graph adds to a product in an operation of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from interp.checkpoints.deployed.modules.transposed import TRANSPOSED
from interp.checkpoints.deployed.program import Program
from interp.checkpoints.graph.steps import Part, Step


def with_biases(steps: Sequence[Step], program: Program) -> list[Step]:
    """Make one layer of a product and the constant that is added to it, so that z is what follows both."""
    readers = Counter(name for node in program.nodes for name in node.input)
    readers.update(program.outputs)
    merged: dict[str, Step] = {}
    for step in steps:
        product, constant = merged.get(step.inputs[0]), step.part.tensors.get("constant")
        is_sum = step.part.settings.get("name") == "add" and readers[step.inputs[0]] == 1
        if is_sum and product is not None and constant is not None and _lacks_bias(product.part, constant):
            tensors = {**product.part.tensors, "bias": constant.flatten()}
            settings = {**product.part.settings, **({"bias": True} if "bias" in product.part.settings else {})}
            merged.pop(product.output)
            step = replace(product, part=replace(product.part, tensors=tensors, settings=settings), output=step.output)
        merged[step.output] = step
    return list(merged.values())


def _lacks_bias(part: Part, constant: Tensor) -> bool:
    """Whether a constant is one number for each node, on the axis of the nodes."""
    if not is_layer(part) or "bias" in part.tensors:
        return False
    nodes = part.settings.get("out_channels", part.settings.get("out_features"))
    space = len(part.settings.get("kernel_size", ()))
    behind = constant.shape[constant.dim() - space :]
    own = constant.shape[: constant.dim() - space]
    return constant.numel() == nodes == own[-1:].numel() and set(behind) <= {1} and len(own) > 0


def is_layer(part: Part) -> bool:
    """Tell whether a part is a dense layer or a convolution."""
    return part.kind in ("Linear", "Conv1d", "Conv2d", "Conv3d", *TRANSPOSED)

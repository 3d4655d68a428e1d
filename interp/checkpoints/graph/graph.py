"""From the steps that a file states to a module that runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from interp.checkpoints.graph.layers import build_layer
from interp.checkpoints.graph.operations import OPERATIONS
from interp.checkpoints.graph.patterns import with_activations
from interp.checkpoints.graph.steps import BATCH_NORM, Graph, Part, Step, UnknownOperation
from interp.network.branches import INPUT, Dag, DagStep
from interp.network.chain import Chain, usable_names

MOST_STEPS = 5000
AXES = {"Conv2d": "2d", "Conv1d": "1d", "Linear": "1d", "Flatten": "1d"}
"""Kind of a part -> the ending of batch-norms that act on its values."""


def build_graph(graph: Graph) -> nn.Module:
    """Build the module that a graph states: a `Chain` where each part reads the one before, else a `Dag`.

    Raises
    ------
    UnknownOperation
        If a part cannot be built from what is stated of it, or reads a value that nothing made.
    """
    if len(graph.steps) > MOST_STEPS:
        raise UnknownOperation(f"{len(graph.steps):,} operations")
    needed = _with_biases(_needed(with_activations(graph.steps), graph.output))
    names = [name for name, _ in usable_names([(step.name, nn.Identity()) for step in needed])]
    made = {INPUT: INPUT, **{step.output: name for step, name in zip(needed, names, strict=True)}}
    modules, makers = [], {step.output: step for step in needed}
    for step, name in zip(needed, names, strict=True):
        part = _with_axes(step, makers) if step.part.kind == BATCH_NORM else step.part
        module = OPERATIONS.get(part.kind, build_layer)(part)
        if module is None or any(value not in made for value in step.inputs):
            raise UnknownOperation(f"{step.part.kind} {dict(step.part.settings)}")
        modules.append(DagStep(name, module, tuple(made[value] for value in step.inputs)))
    before = [INPUT, *names]
    if all(each.inputs == (value,) for each, value in zip(modules, before, strict=False)):
        return Chain([(each.name, each.module) for each in modules]).eval().requires_grad_(False)
    return Dag(modules).eval().requires_grad_(False)


def _with_biases(steps: Sequence[Step]) -> list[Step]:
    """Make one layer of a product and the constant that is added to it, so that z is what follows both."""
    readers = Counter(value for step in steps for value in step.inputs)
    merged: dict[str, Step] = {}
    for step in steps:
        product, constant = merged.get(step.inputs[0]), step.part.tensors.get("constant")
        is_sum = step.part.settings.get("name") == "add" and readers[step.inputs[0]] == 1
        if is_sum and product is not None and constant is not None and _lacks_bias(product.part, constant):
            tensors = {**product.part.tensors, "bias": constant.flatten()}
            merged.pop(product.output)
            step = replace(product, part=replace(product.part, tensors=tensors), output=step.output)
        merged[step.output] = step
    return list(merged.values())


def _lacks_bias(part: Part, constant: Tensor) -> bool:
    if part.kind != "Linear" or "bias" in part.tensors or constant.dim() > 2:  # a third axis would be the outputs', too
        return False
    return constant.numel() == len(part.tensors["weight"]) == constant.shape[-1:].numel()


def _with_axes(norm: Step, makers: Mapping[str, Step]) -> Part:
    """Name a batch-norm by the layer that its values come from."""
    step: Step | None = norm
    while step is not None and step.part.kind not in AXES:
        step = makers.get(step.inputs[0])
    return replace(norm.part, kind=f"BatchNorm{'1d' if step is None else AXES[step.part.kind]}")


def _needed(steps: Sequence[Step], output: str) -> list[Step]:
    """Keep the steps that the output depends on."""
    wanted, kept = {output}, []
    for step in reversed(steps):
        if step.output in wanted:
            kept.append(step)
            wanted |= set(step.inputs)
    if not kept or kept[0].output != output:
        raise UnknownOperation("no operation that makes its output")
    return kept[::-1]

"""Branches and loops whose course is known, written out in place of their nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from interp.checkpoints.deployed.folding.constants import constant_of, set_constants
from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, inner_graphs
from interp.types import Array

MOST_ROUNDS = 64  # largest number of times that a loop is written out


def open_one(program: Program, known: dict[str, Array]) -> bool:
    """Write the first branch or loop whose course is known in place of its node; False if there is none."""
    for at, node in enumerate(program.nodes):
        if node.op_type not in ("If", "Loop"):
            continue
        asked = [name for name in node.input[: 1 if node.op_type == "If" else 2] if name]
        if not all(name in program.constants or name in known for name in asked):
            continue
        course = [_value(program, known, name) for name in asked]
        opened = _branch(node, bool(course[0]), at) if node.op_type == "If" else _rounds(program, node, known, at)
        if opened is None:
            continue
        program.guards |= {name: known[name] for name in asked if name not in program.constants}
        program.nodes[at : at + 1] = opened
        return True
    return False


def _value(program: Program, known: Mapping[str, Array], name: str) -> Array:
    found = installed()
    if name in known:
        return known[name]
    value: Array = found.onnx.numpy_helper.to_array(program.constants[name])
    return value


def _branch(node: Any, condition: bool, at: int) -> list[Any]:
    """Give the nodes of the branch that is taken, its outputs under the names of the `If`'s."""
    which = "then_branch" if condition else "else_branch"
    graph = next(one.g for one in node.attribute if one.name == which)
    return _written_out(graph, {}, list(node.output), f"{node.name or node.output[0]}.{which}")


def _rounds(program: Program, node: Any, known: Mapping[str, Array], at: int) -> list[Any] | None:
    """Give the nodes of a loop as often as it runs; None where that is not known, or values are collected."""
    graph = node.attribute[0].g
    count, condition, *carried = node.input
    rounds = int(_value(program, known, count)) if count else None
    if rounds is None or rounds > MOST_ROUNDS or (condition and not bool(_value(program, known, condition))):
        return None
    if len(graph.output) - 1 != len(carried) or not _goes_on(graph):
        return None
    nodes: list[Any] = []
    found = installed()
    onnx = found.onnx
    for turn in range(rounds):
        own = f"{node.name or node.output[0]}.{turn}"
        number, truth = f"{own}/round", f"{own}/condition"
        set_constants(program, {number: np.array(turn, np.int64), truth: np.array(True)})
        outputs = [f"{own}/cond_out", *(f"{own}/carried.{i}" for i in range(len(carried)))]
        given = dict(zip([one.name for one in graph.input], [number, truth, *carried], strict=True))
        nodes += _written_out(graph, given, outputs, own)
        carried = outputs[1:]
    return nodes + [
        onnx.helper.make_node("Identity", [value], [name])
        for value, name in zip(carried, node.output, strict=True)
        if name
    ]


def _goes_on(graph: Any) -> bool:
    """Whether a loop's body never ends it: its condition is the one that it was given, or always true."""
    out = graph.output[0].name
    makers = {name: node for node in graph.node for name in node.output}
    while out in makers and makers[out].op_type in ("Identity", "Cast"):
        out = makers[out].input[0]
    if len(graph.input) > 1 and out == graph.input[1].name:
        return True
    found = installed()
    stored = {one.name: one for one in graph.initializer}
    value = stored.get(out)
    if value is None and out in makers and makers[out].op_type == "Constant":
        value = constant_of(makers[out], found.onnx)
    return value is not None and bool(found.onnx.numpy_helper.to_array(value).all())


def _written_out(graph: Any, given: Mapping[str, str], outputs: Sequence[str], own: str) -> list[Any]:
    """Copy a graph's nodes under names of their own, its inputs and outputs under the names told."""
    found = installed()
    onnx = found.onnx
    inside = [one.name for one in graph.initializer] + [name for node in graph.node for name in node.output if name]
    names = {**{name: f"{own}/{name}" for name in inside}, **given}
    nodes = []
    for tensor in graph.initializer:
        node = onnx.helper.make_node("Constant", [], [names[tensor.name]])
        node.attribute.append(onnx.helper.make_attribute("value", tensor))
        nodes.append(node)
    for node in graph.node:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        rename(copied, names)
        nodes.append(copied)
    ends = [names.get(one.name, one.name) for one in graph.output]
    return nodes + [
        onnx.helper.make_node("Identity", [end], [name]) for end, name in zip(ends, outputs, strict=True) if name
    ]


def rename(node: Any, names: Mapping[str, str]) -> None:
    """Give values other names, also where inner graphs read them."""
    node.input[:] = [names.get(name, name) for name in node.input]
    node.output[:] = [names.get(name, name) for name in node.output]
    for graph in inner_graphs(node):
        own = {one.name for one in (*graph.input, *graph.initializer)}
        own |= {name for inner in graph.node for name in inner.output}
        outer = {name: new for name, new in names.items() if name not in own}
        for inner in graph.node:
            rename(inner, outer)
        for one in graph.output:
            one.name = outer.get(one.name, one.name)

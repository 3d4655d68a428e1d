"""Constants computed, branches and loops opened: what is left is one list of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from interp.checkpoints.deployed.packages import packages, session
from interp.checkpoints.deployed.program import Program, Unusable, inner_graphs, model_of, pruned, reads
from interp.types import Array

RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN")
"""Operations whose outputs are nodes."""

MOST_ROUNDS = 64  # largest number of times that a loop is written out
MOST_NODES = 20_000
MOST_FOLDED = 1_000_000_000  # bytes of all constants that are computed


def folded(program: Program, conditions: Mapping[str, Array] | None = None) -> Program:
    """Compute what depends on constants alone, and open branches and loops whose course is known.

    Parameters
    ----------
    program
        Program as the file states it.
    conditions
        Value of conditions that one run gave; they become guards.

    Raises
    ------
    Unusable
        If what is written out would be too large.
    """
    known = dict(conditions or {})
    while True:
        program.nodes = pruned(program.nodes, [*program.outputs, *program.guards])
        _take_constants(program)
        _compute_constants(program)
        if len(program.nodes) > MOST_NODES:
            raise Unusable(f"over {MOST_NODES:,} operations")
        if not _open_one(program, known):
            return _without_identities(program)


def open_conditions(program: Program) -> list[str]:
    """List the values that decide which layers run: conditions of branches, and numbers of rounds."""
    holding = [node for node in program.nodes if node.op_type in ("If", "Loop") and _holds_layers(node)]
    return [name for node in holding for name in node.input[: 1 if node.op_type == "If" else 2] if name]


def _holds_layers(node: Any) -> bool:
    inner = [one for graph in inner_graphs(node) for one in graph.node]
    return any(one.op_type in LAYERS or _holds_layers(one) for one in inner)


# --------------------------------------------------------------------------- constants


def _take_constants(program: Program) -> None:
    """Take the tensors of `Constant` nodes for constants."""
    found = packages()
    assert found is not None
    kept = []
    for node in program.nodes:
        value = _constant(node, found.onnx) if node.op_type == "Constant" else None
        if value is None:
            kept.append(node)
        else:
            value.name = node.output[0]
            program.constants[value.name] = value
    program.nodes = kept


def _constant(node: Any, onnx: Any) -> Any:
    attribute = node.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        copied = onnx.TensorProto()
        copied.CopyFrom(value)
        return copied
    kinds = {"value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}
    kind = kinds.get(attribute.name)
    return None if kind is None else onnx.numpy_helper.from_array(np.asarray(value, kind))


def _compute_constants(program: Program) -> None:
    """Run the nodes that read constants alone, once, and keep what others read of them."""
    fixed = set(program.constants)
    constant, others = [], []
    for node in program.nodes:
        if node.op_type not in RANDOM and fixed.issuperset(reads(node)) and node.op_type != "Loop":
            constant.append(node)
            fixed |= set(node.output)
        else:
            others.append(node)
    if not constant:
        return
    made = {name for node in constant for name in node.output if name}
    wanted = made & ({name for node in others for name in reads(node)} | {*program.outputs, *program.guards})
    values = run_once(program, pruned(constant, sorted(wanted)), {}, sorted(wanted))
    if sum(value.nbytes for value in values.values()) > MOST_FOLDED:
        raise Unusable(f"constants of over {MOST_FOLDED:,} bytes")
    set_constants(program, values)
    program.nodes = others


def run_once(
    program: Program, nodes: Sequence[Any], given: Mapping[str, Array], wanted: Sequence[str]
) -> dict[str, Array]:
    """Run some nodes on given values, and give the values that are wanted."""
    if not wanted:
        return {}
    kinds = {one.name: one.kind for one in program.inputs}
    read = {name for node in nodes for name in reads(node)} | set(wanted)
    inputs = {name: kinds[name] for name in given if name in read}
    made = session(model_of(program, nodes, inputs, wanted)).run(None, {name: given[name] for name in inputs})
    return dict(zip(wanted, made, strict=True))


def set_constants(program: Program, values: Mapping[str, Array]) -> None:
    """Keep computed values as constants."""
    found = packages()
    assert found is not None
    for name, value in values.items():
        program.constants[name] = found.onnx.numpy_helper.from_array(np.asarray(value), name)


# --------------------------------------------------------------------------- branches and loops


def _open_one(program: Program, known: dict[str, Array]) -> bool:
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
    found = packages()
    assert found is not None
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
    found = packages()
    assert found is not None
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
    found = packages()
    assert found is not None
    stored = {one.name: one for one in graph.initializer}
    value = stored.get(out)
    if value is None and out in makers and makers[out].op_type == "Constant":
        value = _constant(makers[out], found.onnx)
    return value is not None and bool(found.onnx.numpy_helper.to_array(value).all())


def _written_out(graph: Any, given: Mapping[str, str], outputs: Sequence[str], own: str) -> list[Any]:
    """Copy a graph's nodes under names of their own, its inputs and outputs under the names told."""
    found = packages()
    assert found is not None
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
        _rename(copied, names)
        nodes.append(copied)
    ends = [names.get(one.name, one.name) for one in graph.output]
    return nodes + [
        onnx.helper.make_node("Identity", [end], [name]) for end, name in zip(ends, outputs, strict=True) if name
    ]


def _rename(node: Any, names: Mapping[str, str]) -> None:
    """Give values other names, also where inner graphs read them."""
    node.input[:] = [names.get(name, name) for name in node.input]
    node.output[:] = [names.get(name, name) for name in node.output]
    for graph in inner_graphs(node):
        own = {one.name for one in (*graph.input, *graph.initializer)}
        own |= {name for inner in graph.node for name in inner.output}
        outer = {name: new for name, new in names.items() if name not in own}
        for inner in graph.node:
            _rename(inner, outer)
        for one in graph.output:
            one.name = outer.get(one.name, one.name)


def _without_identities(program: Program) -> Program:
    """Let readers of a copy read what it is a copy of."""
    names: dict[str, str] = {}
    kept = []
    for node in program.nodes:
        _rename(node, names)
        passes = node.op_type == "Identity" or _is_idle_dropout(node)
        if passes and node.output[0] not in (*program.outputs, *program.guards):
            names[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    program.nodes = kept
    return program


def _is_idle_dropout(node: Any) -> bool:
    return node.op_type == "Dropout" and len(node.input) < 3 and not any(node.output[1:])

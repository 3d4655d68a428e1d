"""What depends on constants alone, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from interp.checkpoints.deployed.packages import installed, session
from interp.checkpoints.deployed.program import Program, Unusable, model_of, pruned, reads
from interp.types import Array

RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")
MOST_FOLDED = 1_000_000_000  # bytes of all constants that are computed


def take_constants(program: Program) -> None:
    """Take the tensors of `Constant` nodes for constants."""
    found = installed()
    kept = []
    for node in program.nodes:
        value = constant_of(node, found.onnx) if node.op_type == "Constant" else None
        if value is None:
            kept.append(node)
        else:
            value.name = node.output[0]
            program.constants[value.name] = value
    program.nodes = kept


def constant_of(node: Any, onnx: Any) -> Any:
    """Give the tensor (TensorProto) of a `Constant` node; None for text and sparse tensors."""
    attribute = node.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        copied = onnx.TensorProto()
        copied.CopyFrom(value)
        return copied
    kinds = {"value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}
    kind = kinds.get(attribute.name)
    return None if kind is None else onnx.numpy_helper.from_array(np.asarray(value, kind))


def compute_constants(program: Program) -> None:
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
    if lists := [name for name, value in values.items() if isinstance(value, list)]:
        raise Unusable(f"a list of constant tensors, {lists[0]}")
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
    found = installed()
    for name, value in values.items():
        program.constants[name] = found.onnx.numpy_helper.from_array(np.asarray(value), name)

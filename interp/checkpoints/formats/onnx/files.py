"""ONNX models, read without the onnx package.

Only the few fields of the protobuf that a graph needs are read: ModelProto.graph (7); GraphProto.node (1),
initializer (5), input (11) and output (12); NodeProto.input (1), output (2), name (3), op_type (4), attribute (5) and
domain (7); AttributeProto.name (1), f (2), i (3), s (4), t (5), floats (7) and ints (8); of an input also
ValueInfoProto.type (2), TypeProto.tensor_type (1), its shape (2), TensorShapeProto.dim (1) and its dim_value (1).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.onnx.nodes import Node, short_name
from interp.checkpoints.formats.onnx.operations import read_node
from interp.checkpoints.formats.onnx.protobuf import fields, integers, signed, single, spans
from interp.checkpoints.formats.onnx.tensors import Beside, read_tensor
from interp.checkpoints.graph.steps import Graph, Step, UnknownOperation
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored
from interp.errors import CheckpointError, first_line
from interp.network.branches import INPUT

STANDARD = ("", "ai.onnx")
GRAPH, OPSETS, BEFORE_GRAPH = 7, 8, frozenset(range(1, 7))  # fields of ModelProto
NEWEST = 1000  # version of a file that states none


def is_onnx(start: bytes) -> bool:
    """Whether first bytes are a ModelProto's: they name a known writer, or are its fields up to the graph."""
    known = b"pytorch" in start or b"onnx" in start.lower()
    return start[:1] == b"\x08" and (known or _leads_to_a_graph(start))


def _leads_to_a_graph(start: bytes) -> bool:
    try:
        numbers = [number for number, *_ in spans(start)]
    except ValueError:
        return False
    return GRAPH in numbers and set(numbers[: numbers.index(GRAPH)]) <= BEFORE_GRAPH


def read_onnx(path: Path, allow_pickle: bool = False) -> Contents:
    """Read the weights of an ONNX model, and its graph where it is one of listed operations.

    Raises
    ------
    CheckpointError
        If the file is damaged, or keeps weights out of its folder.
    """
    try:
        model = path.read_bytes()
        parts = list(fields(model))
        graph = next(value for number, value in parts if number == GRAPH)
        beside = Beside(path.parent)
        tensors = dict(read_tensor(value, beside) for number, value in fields(graph) if number == 5)
        stored = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        found, problem = _graph(graph, stored, beside, _opset(parts))
    except Exception as error:  # damage shows as whatever the next field was taken for
        raise CheckpointError(
            path,
            found=f"a damaged ONNX file ({first_line(error)})",
            expected="a whole file, with any weights beside it",
            do="copy or download it again",
        ) from error
    state = {short_name(name): tensor for name, tensor in stored.items() if is_weight(tensor)}
    return Contents(state, graph=found, graph_problem=problem, notes=("an ONNX graph",))


def is_weight(tensor: Tensor) -> bool:
    """Whether a stored tensor may be weights: floats, and no mask of infinities, such as an attention's."""
    if not tensor.is_floating_point():
        return False
    finite = tensor[~tensor.isinf()]
    return len(finite) == tensor.numel() or bool((finite != finite.flatten()[:1]).any())


def _opset(parts: list[tuple[int, Any]]) -> int:
    """Give the version of the standard operators."""
    said = [dict(fields(value)) for number, value in parts if number == OPSETS]
    return next((int(one[2]) for one in said if one.get(1, b"").decode() in STANDARD and 2 in one), NEWEST)


def _graph(message: bytes, stored: Mapping[str, Tensor], beside: Beside, opset: int) -> tuple[Graph | None, str]:
    try:
        return _followed(message, stored, beside, opset), ""
    except UnknownOperation as error:
        return None, str(error)


def _followed(message: bytes, stored: Mapping[str, Tensor], beside: Beside, opset: int) -> Graph:
    """Read node after node; each one's first output is what a layer computes."""
    parts = list(fields(message))
    inputs = {name: value for number, value in parts if number == 11 if (name := _name(value)) not in stored}
    outputs = [_name(value) for number, value in parts if number == 12]
    if len(inputs) != 1 or len(outputs) != 1:
        raise UnknownOperation(f"{len(inputs)} inputs and {len(outputs)} outputs")
    values: dict[str, Any] = {name: Stored(short_name(name), tensor) for name, tensor in stored.items()}
    (given, said), *_ = inputs.items()
    values[given] = Ref(INPUT)
    steps: list[Step] = []
    for node in (_node(value, values, beside, opset) for number, value in parts if number == 1):
        made = node.attributes["constant"] if node.kind == "Constant" else read_node(node)
        if isinstance(made, Step):
            steps.append(made)
        values[node.output] = Ref(made.output) if isinstance(made, Step) else made
    end = values.get(outputs[0])
    if not isinstance(end, Ref):
        raise UnknownOperation("an output that no operation makes")
    return Graph(tuple(steps), end.name, _sizes(said))


def _sizes(said: bytes) -> tuple[int | None, ...] | None:
    """Read the lengths of an input's axes; None each where it is open, and where none are stated."""
    for number in (2, 1, 2):  # its type, that of a tensor, the shape
        said = dict(fields(said)).get(number, b"")
        if not said:
            return None
    axes = [dict(fields(axis)).get(1, 0) for number, axis in fields(said) if number == 1]
    return tuple(axis if 0 < axis < 1 << 63 else None for axis in axes)


def _name(message: bytes) -> str:
    return str(next(value.decode() for number, value in fields(message) if number == 1))


def _node(message: bytes, values: Mapping[str, Any], beside: Beside, opset: int) -> Node:
    found = list(fields(message))
    single_valued: dict[int, Any] = dict(found)
    kind, domain = single_valued[4].decode(), single_valued.get(7, b"").decode()
    if domain not in STANDARD:
        raise UnknownOperation(f"{kind} of {domain}")
    names = [value.decode() for number, value in found if number == 1]
    output = next(value.decode() for number, value in found if number == 2)
    attributes = dict(_attribute(value, beside) for number, value in found if number == 5)
    if kind == "Constant":
        attributes = {"constant": _constant(attributes)}
    inputs = tuple(values.get(name, UNKNOWN) if name else None for name in names)
    return Node(kind, single_valued.get(3, b"").decode(), inputs, output, attributes, opset)


def _constant(attributes: Mapping[str, Any]) -> Any:
    value = next(iter(attributes.values()))
    return Stored("", value) if isinstance(value, Tensor) else value


def _attribute(message: bytes, beside: Beside) -> tuple[str, Any]:
    found = list(fields(message))
    last: dict[int, Any] = dict(found)
    name = last[1].decode()
    if 2 in last:
        return name, single(last[2])
    if 3 in last:
        return name, signed(last[3])
    if 4 in last:
        return name, last[4]
    if 5 in last:
        return name, read_tensor(last[5], beside)[1]
    if 7 in last:
        packed = b"".join(value for number, value in found if number == 7)
        return name, [float(one) for one in np.frombuffer(packed, "<f4")]
    return name, [one for number, value in found if number == 8 for one in integers(value)]

"""ONNX models that are a plain chain of dense layers and activations, read without the onnx package.

Only the few fields of the protobuf that such a chain needs are read: ModelProto.graph (7); GraphProto.node (1)
and initializer (5); NodeProto.input (1), output (2), op_type (4), attribute (5); AttributeProto.name (1), f (2),
i (3); TensorProto.dims (1), data_type (2), float_data (4), name (8), raw_data (9).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.contents import Contents
from interp.checkpoints.inert import Part, state_of
from interp.errors import CheckpointError, first_line

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
NUMBERS = {1: "<f4", 10: "<f2", 11: "<f8"}  # TensorProto.DataType of floats
ACTIVATIONS = {"Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Identity": "Identity", "Dropout": "Identity"}
RESHAPING = ("Flatten", "Reshape", "Squeeze")
SOFTMAX = {"Softmax": "Softmax", "LogSoftmax": "LogSoftmax"}


class Node(NamedTuple):
    """One operation of the graph; attributes by name."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


def read_onnx(path: Path, format: str, allow_pickle: bool = False) -> Contents:
    """Read a chain of Gemm, MatMul, Add and activations.

    Raises
    ------
    CheckpointError
        If the file is damaged, or its graph is no such chain.
    """
    try:
        nodes, tensors = _graph(path.read_bytes())
        parts = _chain(nodes, tensors)
    except NotImplementedError as error:
        raise CheckpointError(
            path,
            found=f"an ONNX graph with {error}",
            expected="a chain of Gemm, MatMul, Add and activations",
            do="convert it to torch and save its state_dict()",
        ) from error
    except Exception as error:  # damage shows as whatever the next field was taken for
        raise CheckpointError(
            path,
            found=f"a damaged ONNX file ({first_line(error)})",
            expected="a whole file",
            do="copy or download it again",
        ) from error
    return Contents(format, state_of(parts), parts=parts, notes=("an ONNX graph",))


def _chain(nodes: list[Node], tensors: dict[str, Tensor]) -> dict[str, Part]:
    """Follow the graph from node to node; each must read what the one before wrote."""
    parts: dict[str, Part] = {}
    current = None
    for node in nodes:
        if node.kind == "Constant":
            continue
        if current is not None and current not in node.inputs:
            raise NotImplementedError(f"{node.kind} that does not read what precedes it")
        weights = [tensors[name] for name in node.inputs if name in tensors]
        _add_part(parts, node, weights)
        current = node.output
    if not any(part.kind == "Linear" for part in parts.values()):
        raise NotImplementedError("no dense layer")
    return {"": Part("Sequential", children=tuple(parts)), **parts}


def _add_part(parts: dict[str, Part], node: Node, weights: list[Tensor]) -> None:
    name, last = f"layer{len(parts)}", next(reversed(parts), "")
    if node.kind in ACTIVATIONS:
        parts[name] = Part(ACTIVATIONS[node.kind])
    elif node.kind in SOFTMAX:
        parts[name] = Part(SOFTMAX[node.kind], {"dim": 1})
    elif node.kind in RESHAPING and not parts:
        parts[name] = Part("Flatten")
    elif node.kind == "Gemm" and weights and all(node.attributes.get(key, 1) == 1 for key in ("alpha", "beta")):
        weight = weights[0] if node.attributes.get("transB") else weights[0].T
        parts[name] = _dense(weight, weights[1] if len(weights) > 1 else None)
    elif node.kind == "MatMul" and len(weights) == 1:
        parts[name] = _dense(weights[0].T, None)
    elif node.kind == "Add" and len(weights) == 1 and last and list(parts[last].tensors) == ["weight"]:
        parts[last] = _dense(parts[last].tensors["weight"], weights[0])
    else:
        raise NotImplementedError(node.kind)


def _dense(weight: Tensor, bias: Tensor | None) -> Part:
    tensors = {"weight": weight.contiguous()} if bias is None else {"weight": weight.contiguous(), "bias": bias}
    return Part("Linear", {"in_features": weight.shape[1], "out_features": weight.shape[0]}, tensors)


# --------------------------------------------------------------------------- protobuf


def _graph(model: bytes) -> tuple[list[Node], dict[str, Tensor]]:
    graph = next((value for number, value in _fields(model) if number == 7), b"")
    nodes = [_node(value) for number, value in _fields(graph) if number == 1]
    tensors = dict(_tensor(value) for number, value in _fields(graph) if number == 5)
    return nodes, {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _node(message: bytes) -> Node:
    fields = list(_fields(message))
    inputs = tuple(value.decode() for number, value in fields if number == 1)
    outputs = [value.decode() for number, value in fields if number == 2]
    kind = next(value.decode() for number, value in fields if number == 4)
    attributes: dict[str, Any] = {}
    for inner in (dict(_fields(value)) for number, value in fields if number == 5):
        number = inner.get(2)
        attributes[inner[1].decode()] = inner.get(3) if number is None else float(np.frombuffer(number, "<f4")[0])
    return Node(kind, inputs, outputs[0], attributes)


def _tensor(message: bytes) -> tuple[str, Tensor | None]:
    fields = list(_fields(message))
    single = dict(fields)
    name, numbers = single[8].decode(), NUMBERS.get(single.get(2, 0))
    if numbers is None:
        return name, None  # a shape, or another constant that is no weight
    shape = [size for number, value in fields if number == 1 for size in _sizes(value)]
    raw = single.get(9) or b"".join(value for number, value in fields if number == 4)
    return name, torch.from_numpy(np.frombuffer(raw, numbers).reshape(shape).astype(np.float32))


def _sizes(value: Any) -> list[int]:
    """Read dims, one a field or all packed in one."""
    if isinstance(value, int):
        return [value]
    sizes, at = [], 0
    while at < len(value):
        size, at = _varint(value, at)
        sizes.append(size)
    return sizes


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value): an integer, or the bytes of anything else."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        sizes = {FIXED64: 8, FIXED32: 4}
        if wire == BYTES:
            size, at = _varint(message, at)
        elif wire in sizes:
            size = sizes[wire]
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + size > len(message):
            raise ValueError(f"{size:,} bytes declared at byte {at} of {len(message):,}")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError(f"a number of over 64 bits at byte {at}")

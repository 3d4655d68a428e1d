"""Damage to the attributes of an ONNX model's operations: other values, kinds and names, one twice, one left out."""

from __future__ import annotations

import struct
from random import Random

from fuzzing.mutations.plain_bytes import Mutator
from fuzzing.seeds.protobuf import field, fields, varint

GRAPH, NODE, ATTRIBUTE, KIND = 7, 1, 5, 4  # ModelProto.graph, GraphProto.node, NodeProto.attribute, NodeProto.op_type
TENSOR, BESIDE = 5, 13  # GraphProto.initializer, TensorProto.external_data
NAMES = (
    "transB", "transA", "alpha", "beta", "kernel_shape", "strides", "pads", "dilations", "group", "auto_pad",
    "ceil_mode", "count_include_pad", "storage_order", "epsilon", "momentum", "axis", "axes", "keepdims", "to", "perm",
    "value", "then_branch", "body", "training_mode", "output_padding", "direction", "hidden_size", "", "a\nb",
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 7, 99, 2**31 - 1, 2**31, 2**40, 2**63, 2**64 - 1, 2**64 - 2)  # the last two: -1 and -2
FLOATS = (0.0, -1.0, 1e-45, 1e38, float("inf"), float("nan"))
OPERATIONS = (
    "Gemm", "Conv", "MaxPool", "AveragePool", "BatchNormalization", "Softmax", "Flatten", "Reshape", "Transpose", "Pad",
    "Clip", "LeakyRelu", "Elu", "Constant", "ConstantOfShape", "If", "Loop", "Resize", "LSTM", "Gather", "Slice",
)  # fmt: skip


def _value(rng: Random) -> bytes:
    """Encode a value of any kind, with the type that it is said to be of."""
    number, real = rng.choice(NUMBERS), rng.choice(FLOATS)
    several = b"".join(field(8, rng.choice(NUMBERS)) for _ in range(rng.choice((0, 1, 2, 4, 5, 1000))))
    tensor = b"".join(field(1, rng.choice(NUMBERS)) for _ in range(rng.choice((0, 1, 2)))) + field(
        2, rng.choice((1, 7))
    )
    values = {
        1: varint(2 << 3 | 5) + struct.pack("<f", real),
        2: field(3, number),
        3: field(4, rng.choice((b"SAME_UPPER", b"\xff", b"x" * 100_000))),
        4: field(5, tensor + field(9, bytes(rng.choice((0, 4, 60))))),
        5: field(6, field(1, field(4, "Relu"))),
        6: b"".join(varint(7 << 3 | 5) + struct.pack("<f", real) for _ in range(3)),
        7: several,
        0: b"",
    }
    kind = rng.choice(list(values))
    said = kind if rng.random() < 0.8 else rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 11, 99))
    return values[kind] + field(20, said)


def _operation(node: bytes, rng: Random) -> bytes:
    """Change one attribute of an operation, or add, leave out or double one; at times make it another operation."""
    parts = list(fields(node))
    own = [place for place, (number, _) in enumerate(parts) if number == ATTRIBUTE]
    way = rng.random()
    if own and way < 0.7:
        at = rng.choice(own)
        name = next((bytes(value) for number, value in fields(bytes(parts[at][1])) if number == 1), b"")
        if way < 0.1:
            del parts[at]
        else:
            parts[at] = (ATTRIBUTE, field(1, name) + _value(rng))
            parts += [parts[at]] * (way < 0.2)
    else:
        parts.append((ATTRIBUTE, field(1, rng.choice(NAMES)) + _value(rng)))
    if rng.random() < 0.2:
        parts = [(number, rng.choice(OPERATIONS).encode() if number == KIND else value) for number, value in parts]
    return b"".join(field(number, value) for number, value in parts)


def onnx_attributes(data: bytes, rng: Random) -> bytes | None:
    """Damage attributes of one to three operations."""
    if not data.startswith(b"\x08") or b"pytorch" not in data[:64]:
        return None
    model = list(fields(data))
    at = next(place for place, (number, _) in enumerate(model) if number == GRAPH)
    graph = list(fields(bytes(model[at][1])))
    nodes = [place for place, (number, _) in enumerate(graph) if number == NODE]
    for _ in range(rng.choice((1, 1, 3))):
        place = rng.choice(nodes)
        graph[place] = (NODE, _operation(bytes(graph[place][1]), rng))
    model[at] = (GRAPH, b"".join(field(number, value) for number, value in graph))
    return b"".join(field(number, value) for number, value in model)


PLACES = {
    "location": ("", ".", "/etc/hostname", "../weights", "weights/", "file", "a\0b", "x" * 5000, "\udcff", "/dev/zero"),
    "offset": ("", "-1", "0", "1", "61", "1e3", "9" * 5000, "99999999999999999999", " 0", "\u0661", "x"),
    "length": ("", "-1", "0", "1", "59", "100000000000", "9" * 5000, "x", "0x10"),
}
"""Key of a tensor whose values are in a file beside the model -> what it may say."""


def onnx_places(data: bytes, rng: Random) -> bytes | None:
    """Say of weights beside the model that they are in another file or another part of it, or in none."""
    if not data.startswith(b"\x08") or b"pytorch" not in data[:64] or b"location" not in data:
        return None
    model = list(fields(data))
    at = next(place for place, (number, _) in enumerate(model) if number == GRAPH)
    graph = list(fields(bytes(model[at][1])))
    for _ in range(rng.choice((1, 1, 3))):
        place = rng.choice([place for place, (number, _) in enumerate(graph) if number == TENSOR])
        tensor = list(fields(bytes(graph[place][1])))
        said = [entry for entry, (number, _) in enumerate(tensor) if number == BESIDE]
        key = rng.choice(list(PLACES))
        entry = (BESIDE, field(1, key) + field(2, rng.choice(PLACES[key]).encode("utf8", "surrogateescape")))
        way = rng.random()
        if way < 0.15:
            tensor.append(entry)
        elif way < 0.3:
            del tensor[rng.choice(said)]
        else:
            tensor[rng.choice(said)] = entry
        graph[place] = (TENSOR, b"".join(field(number, value) for number, value in tensor))
    model[at] = (GRAPH, b"".join(field(number, value) for number, value in graph))
    return b"".join(field(number, value) for number, value in model)


ONNX_ATTRIBUTES: dict[str, Mutator] = {"ONNX attributes": onnx_attributes, "ONNX places": onnx_places}

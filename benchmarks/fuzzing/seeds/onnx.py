"""ONNX models encoded by hand, without the onnx package."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from fuzzing.seeds.protobuf import field

FLOAT, INTEGER, INTEGERS = 1, 2, 7  # AttributeProto.AttributeType
FLOATS = 1  # TensorProto.DataType


class Normalised(nn.Module):
    """Values divided by their length, an operation that is not ours and runs in ONNX Runtime."""


KINDS: dict[type[nn.Module], tuple[str, Callable[[nn.Module], bytes]]] = {
    nn.Linear: ("Gemm", lambda part: _integer("transB", 1)),
    nn.Conv2d: ("Conv", lambda part: _integers("kernel_shape", part.kernel_size) + _pads(part.padding)),
    nn.BatchNorm2d: ("BatchNormalization", lambda part: _float("epsilon", part.eps)),
    nn.MaxPool2d: (
        "MaxPool",
        lambda part: _integers("kernel_shape", [part.kernel_size] * 2) + _integers("strides", [part.stride] * 2),
    ),
    nn.ReLU: ("Relu", lambda part: b""),
    Normalised: ("LpNormalization", lambda part: b""),
    nn.Flatten: ("Flatten", lambda part: _integer("axis", 1)),
}
"""Layer -> its operation, and a function that encodes its attributes."""


def onnx_model(module: nn.Sequential, width: int | None = None, beside: bytearray | None = None) -> bytes:
    """Encode a chain as an ONNX model that states its one input and one output, and the input's width where told.

    The weights are in the model, or put behind `beside`, which is to be written to a file called ``weights``.
    """
    nodes, tensors, current = b"", b"", "input"
    for name, part in module.named_children():
        stored = {f"{name}.{own}": tensor for own, tensor in part.state_dict().items() if tensor.dim()}
        kind, attributes = KINDS[type(part)]
        inputs = b"".join(field(1, text) for text in (current, *stored))
        current = f"out{name}"
        nodes += field(1, inputs + field(2, current) + field(4, kind) + attributes(part))
        tensors += b"".join(field(5, _tensor(own, tensor, beside)) for own, tensor in stored.items())
    stated = b"" if width is None else field(2, field(1, field(1, FLOATS) + field(2, _axes("batch", width))))
    ends = field(11, field(1, "input") + stated) + field(12, field(1, current))
    opset = b"" if width is None else field(8, field(2, 17))
    return field(1, 8) + field(2, "pytorch") + field(7, nodes + field(2, "main") + tensors + ends) + opset


def _axes(*sizes: str | int) -> bytes:
    """Encode a shape: names and lengths of its axes."""
    return b"".join(field(1, field(2 if isinstance(size, str) else 1, size)) for size in sizes)


def _tensor(name: str, tensor: torch.Tensor, beside: bytearray | None) -> bytes:
    head = b"".join(field(1, size) for size in tensor.shape) + field(2, 1) + field(8, name)
    values = tensor.detach().numpy().tobytes()
    if beside is None:
        return head + field(9, values)
    said = {"location": "weights", "offset": str(len(beside)), "length": str(len(values))}
    beside += values
    return head + b"".join(field(13, field(1, key) + field(2, value)) for key, value in said.items()) + field(14, 1)


def _pads(padding: tuple[int, ...]) -> bytes:
    return _integers("pads", padding * 2)


def _integer(name: str, value: int) -> bytes:
    return field(5, field(1, name) + field(3, value) + field(20, INTEGER))


def _integers(name: str, values: tuple[int, ...] | list[int]) -> bytes:
    return field(5, field(1, name) + b"".join(field(8, value) for value in values) + field(20, INTEGERS))


def _float(name: str, value: float) -> bytes:
    bits = bytes([2 << 3 | 5]) + torch.tensor(value).numpy().tobytes()
    return field(5, field(1, name) + bits + field(20, FLOAT))

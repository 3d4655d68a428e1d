"""ONNX operations as parts of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from interp.checkpoints.formats.onnx.activations import ACTIVATIONS
from interp.checkpoints.formats.onnx.nodes import Node, short_name
from interp.checkpoints.graph.parts import (
    arithmetic_part,
    concat_part,
    convolution_part,
    linear_part,
    mean_part,
    norm_part,
    reshape_part,
    squeeze_part,
)
from interp.checkpoints.graph.steps import Part, Step, UnknownOperation, layer_name
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored


def read_node(node: Node) -> Any:
    """Give the step that a node is, or the value it passes on.

    Raises
    ------
    UnknownOperation
        If it is not listed, or not in this form.
    """
    first = node.inputs[0] if node.inputs else None
    if node.kind in PASSING:
        return first if node.kind != "Cast" else _cast(node, first)
    if not any(isinstance(value, Ref) for value in node.inputs):
        return _of_numbers(node, first)
    if node.kind == "Shape":
        return UNKNOWN
    make = PARTS.get(node.kind)
    if make is None:
        raise UnknownOperation(node.kind)
    inputs = tuple(value.name for value in node.inputs if isinstance(value, Ref))
    weight = node.inputs[1] if len(node.inputs) > 1 else None
    plain = node.output.strip("/")
    own = _scope(node.name) or plain
    name = layer_name(weight.name, own) if isinstance(weight, Stored) else plain
    return Step(short_name(name), make(node), inputs, node.output)


def _cast(node: Node, value: Any) -> Any:
    """Pass on what is cast to floats, which are all of one precision here; numbers lose what follows the point."""
    if node.attributes.get("to") in FLOATS or not isinstance(value, (Ref, Stored)):
        return value
    if isinstance(value, Ref):
        raise UnknownOperation("a cast to whole numbers")
    return Stored(value.name, value.tensor.trunc())


def _scope(name: str) -> str:
    """Give the module that a node's name speaks of: ``/layer1/layer1.0/conv1/Conv`` is ``layer1.0.conv1``."""
    whole = ""
    for scope in name.split("/")[1:-1]:
        whole = scope if not whole or scope.startswith(f"{whole}.") else f"{whole}.{scope}"
    return whole


def _of_numbers(node: Node, first: Any) -> Any:
    """Compute what no input reaches, as far as layers need it: shapes joined, matrices turned."""
    if node.kind == "Concat":
        return [one for value in node.inputs for one in _as_list(value)]
    if node.kind == "Transpose" and isinstance(first, Stored):
        axes = node.attributes.get("perm") or list(range(first.tensor.dim()))[::-1]
        return Stored(first.name, first.tensor.permute(axes))
    if node.kind in ("Unsqueeze", "Squeeze") and isinstance(first, Stored) and first.tensor.numel() == 1:
        return first
    return UNKNOWN


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, Stored):
        return [int(one) for one in value.tensor.flatten().tolist()]
    return value if isinstance(value, list) else [UNKNOWN]


PASSING = ("Identity", "Dropout", "Cast", "CastLike")
FLOATS = (1, 10, 11, 16)  # codes of TensorProto.DataType

# --------------------------------------------------------------------------- layers


def _convolution(node: Node) -> Part:
    weight, bias = node.stored(1), node.stored(2)
    if weight is None:
        raise UnknownOperation("a convolution without weights")
    said = node.attributes
    settings = {
        "stride": said.get("strides", [1]),
        "dilation": said.get("dilations", [1]),
        "groups": said.get("group", 1),
    }
    settings["padding"] = _padding(node, list(weight.shape[2:]), settings["stride"])
    return convolution_part({"weight": weight} if bias is None else {"weight": weight, "bias": bias}, settings)


def _padding(node: Node, kernel: list[int], stride: list[int]) -> Any:
    """Give one number a side; ``same`` only where it adds as much before as behind."""
    automatic = node.attributes.get("auto_pad", b"NOTSET")
    if automatic in (b"SAME_UPPER", b"SAME_LOWER") and all(k % 2 for k in kernel) and set(stride) == {1}:
        return [k // 2 * d for k, d in zip(kernel, node.attributes.get("dilations", [1] * len(kernel)), strict=True)]
    pads = node.attributes.get("pads", [0] * 2 * len(kernel))
    half = len(pads) // 2
    if automatic not in (b"NOTSET", b"VALID") or pads[:half] != pads[half:]:
        raise UnknownOperation(f"{node.kind} padded more on one side")
    return pads[:half] if automatic == b"NOTSET" else [0] * len(kernel)


def _batch_norm(node: Node) -> Part:
    if node.attributes.get("training_mode"):
        raise UnknownOperation("a batch-norm that takes mean and variance of each batch")
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: tensor for at, name in enumerate(names, 1) if (tensor := node.stored(at)) is not None}
    return norm_part(tensors, node.attributes.get("epsilon", 1e-5))


def _layer_norm(node: Node) -> Part:
    weight, bias = node.stored(1), node.stored(2)
    if weight is None or node.attributes.get("axis", -1) not in (-1, -weight.dim()):
        raise UnknownOperation("a layer-norm over other than its last axes")
    bias = torch.zeros_like(weight) if bias is None else bias
    settings = {"normalized_shape": tuple(weight.shape), "eps": node.attributes.get("epsilon", 1e-5)}
    return Part("LayerNorm", settings, {"weight": weight, "bias": bias})


def _gemm(node: Node) -> Part:
    said, weight, bias = node.attributes, node.stored(1), node.stored(2)
    if weight is None or said.get("transA"):
        raise UnknownOperation("Gemm of a turned value")
    if weight.dim() != 2:
        raise UnknownOperation(f"Gemm with weights of {weight.dim()} axes")
    weight = (weight if said.get("transB") else weight.T) * said.get("alpha", 1.0)
    if bias is None:
        return linear_part(weight)
    if bias.numel() not in (1, len(weight)):
        raise UnknownOperation("Gemm that adds a matrix")
    return linear_part(weight, bias.flatten().expand(len(weight)) * said.get("beta", 1.0))


def _matmul(node: Node) -> Part:
    if isinstance(node.inputs[0], Stored):
        raise UnknownOperation("a product whose stored values come first")
    weight = node.stored(1)
    if weight is None:
        raise UnknownOperation("a product of two values")
    if weight.dim() != 2:
        raise UnknownOperation(f"MatMul with weights of {weight.dim()} axes")
    return linear_part(weight.T)


def _pooling(kind: str, *names: str) -> Callable[[Node], Part]:
    def part(node: Node) -> Part:
        kernel = node.attributes["kernel_shape"]
        stride = node.attributes.get("strides", [1] * len(kernel))
        settings: dict[str, Any] = {
            "kernel_size": tuple(kernel),
            "stride": tuple(stride),
            "padding": tuple(_padding(node, kernel, stride)),
            "dilation": tuple(node.attributes.get("dilations", [1] * len(kernel))),
            "ceil_mode": bool(node.attributes.get("ceil_mode", 0)),
            "count_include_pad": bool(node.attributes.get("count_include_pad", 0)),
        }
        if len(kernel) not in (1, 2) or (kind == "AvgPool" and set(settings["dilation"]) != {1}):
            raise UnknownOperation(f"{node.kind} over {kernel}")
        return Part(f"{kind}{len(kernel)}d", settings)

    return part


def _softmax(kind: str) -> Callable[[Node], Part]:
    def part(node: Node) -> Part:
        if node.opset >= ONE_AXIS:
            return Part(kind, {"dim": node.attributes.get("axis", -1)})
        return Part("CoercedSoftmax", {"dim": node.attributes.get("axis", 1), "logarithm": kind == "LogSoftmax"})

    return part


ONE_AXIS = 13
"""Version from which Softmax acts on one axis."""


def _reshape(node: Node) -> Part:
    shape = node.numbers(1, "shape") or []
    if 0 in shape[1:]:
        raise UnknownOperation(f"a reshape to {shape}")
    return reshape_part(shape)


def _flatten(node: Node) -> Part:
    if node.attributes.get("axis", 1) != 1:
        raise UnknownOperation("Flatten that joins samples")
    return Part("Flatten", {"start_dim": 1, "end_dim": -1})


def _reduce_mean(node: Node) -> Part:
    return mean_part(node.numbers(1, "axes") or [], node.attributes.get("keepdims", 1))


def _arithmetic(name: str) -> Callable[[Node], Part]:
    def part(node: Node) -> Part:
        if len(node.inputs) != 2:
            raise UnknownOperation(f"{node.kind} of {len(node.inputs)} values")
        return arithmetic_part(name, *node.inputs)

    return part


PARTS: dict[str, Callable[[Node], Part]] = {
    "Conv": _convolution,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MaxPool": _pooling("MaxPool"),
    "AveragePool": _pooling("AvgPool"),
    "GlobalAveragePool": lambda node: Part("AdaptiveAvgPool2d", {"output_size": 1}),
    "GlobalMaxPool": lambda node: Part("AdaptiveMaxPool2d", {"output_size": 1}),
    **ACTIVATIONS,
    "Softmax": _softmax("Softmax"),
    "LogSoftmax": _softmax("LogSoftmax"),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": lambda node: squeeze_part(node.numbers(1, "axes")),
    "Transpose": lambda node: Part("Permute", {"dims": tuple(node.attributes.get("perm", ()))}),
    "ReduceMean": _reduce_mean,
    "Concat": lambda node: concat_part(node.inputs, node.attributes["axis"]),
    "Add": _arithmetic("add"),
    "Sub": _arithmetic("sub"),
    "Mul": _arithmetic("mul"),
    "Div": _arithmetic("div"),
    "Pow": _arithmetic("pow"),
    "Max": _arithmetic("maximum"),
    "Min": _arithmetic("minimum"),
}
"""Operation -> the part it describes."""

"""ONNX operations as parts of a network."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any, NamedTuple

import torch
from torch import Tensor

from interp.checkpoints.graph.parts import (
    arithmetic_part,
    clip_part,
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


class Node(NamedTuple):
    """One operation of the graph: its kind, name, what it reads (None where left out), its output and attributes."""

    kind: str
    name: str
    inputs: tuple[Any, ...]
    output: str
    attributes: dict[str, Any]

    def stored(self, at: int) -> Tensor | None:
        """Give the tensor that the node reads as its input number `at`; None where there is none.

        Raises
        ------
        UnknownOperation
            If the network computes that input.
        """
        value = self.inputs[at] if at < len(self.inputs) else None
        if value is not None and not isinstance(value, Stored):
            raise UnknownOperation(f"{self.kind} of a tensor that is computed")
        return None if value is None else value.tensor

    def numbers(self, at: int, name: str) -> list[Any] | None:
        """Give a list of whole numbers, which newer versions read as an input and older ones as an attribute."""
        value = self.inputs[at] if at < len(self.inputs) else self.attributes.get(name)
        if isinstance(value, Stored):
            return [int(one) for one in value.tensor.flatten().tolist()]
        return value if isinstance(value, list) or value is None else [UNKNOWN]


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
    return Step(name, make(node), inputs, node.output)


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
    if weight is None or said.get("transA") or any(said.get(name, 1) != 1 for name in ("alpha", "beta")):
        raise UnknownOperation("Gemm with factors")
    weight = weight if said.get("transB") else weight.T
    return linear_part(weight, None if bias is None else bias.flatten().expand(len(weight)).contiguous())


def _matmul(node: Node) -> Part:
    weight = node.stored(1)
    if weight is None or weight.dim() != 2:
        raise UnknownOperation("a product of two values")
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


def _clip(node: Node) -> Part:
    ends = [node.stored(at) for at in (1, 2)]
    low, high = (None if end is None else float(end) for end in ends)
    return clip_part(node.attributes.get("min", low), node.attributes.get("max", high))


def _softmax(kind: str) -> Callable[[Node], Part]:
    return lambda node: Part(kind, {"dim": node.attributes.get("axis", -1)})


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


def _selu(node: Node) -> Part:
    said = {"alpha": 1.6732632, "gamma": 1.0507010} | node.attributes
    if not (isclose(said["alpha"], 1.6732632, rel_tol=1e-5) and isclose(said["gamma"], 1.0507010, rel_tol=1e-5)):
        raise UnknownOperation("Selu of another shape than torch's")
    return Part("SELU")


def _hard_sigmoid(node: Node) -> Part:
    if not isclose(node.attributes.get("alpha", 0.2), 1 / 6, rel_tol=1e-5) or node.attributes.get("beta", 0.5) != 0.5:
        raise UnknownOperation("HardSigmoid of another slope than torch's")
    return Part("Hardsigmoid")


def _prelu(node: Node) -> Part:
    slope = node.stored(1)
    assert slope is not None
    return Part("PReLU", {"num_parameters": slope.numel()}, {"weight": slope.flatten()})


def _plain(kind: str, **settings: tuple[str, Any]) -> Callable[[Node], Part]:
    """Describe a layer by attributes: setting = (attribute, its default)."""

    def part(node: Node) -> Part:
        found = {name: node.attributes.get(attribute, default) for name, (attribute, default) in settings.items()}
        return Part(kind, {name: v.decode() if isinstance(v, bytes) else v for name, v in found.items()})

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
    "Relu": _plain("ReLU"),
    "LeakyRelu": _plain("LeakyReLU", negative_slope=("alpha", 0.01)),
    "PRelu": _prelu,
    "Elu": _plain("ELU", alpha=("alpha", 1.0)),
    "Selu": _selu,
    "Celu": _plain("CELU", alpha=("alpha", 1.0)),
    "Gelu": _plain("GELU", approximate=("approximate", "none")),
    "Softplus": _plain("Softplus"),
    "Sigmoid": _plain("Sigmoid"),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain("Hardswish"),
    "Mish": _plain("Mish"),
    "Tanh": _plain("Tanh"),
    "Erf": _plain("Unary", name=("", "erf")),
    "Abs": _plain("Activation", name=("", "abs")),
    "Neg": _plain("Negate"),
    "Clip": _clip,
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

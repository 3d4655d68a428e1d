"""Torch's own operations as parts of a network: one line an operation in `OPERATIONS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
from interp.checkpoints.graph.steps import Part, UnknownOperation
from interp.checkpoints.graph.values import Stored

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """How to read one operation: the names of its arguments in order, and the part they describe."""

    names: tuple[str, ...]
    part: Callable[[Arguments], Part]


def _tensors(arguments: Arguments, *names: str) -> dict[str, Tensor]:
    found = {name: arguments.get(name) for name in names}
    if any(value is not None and not isinstance(value, Stored) for value in found.values()):
        raise UnknownOperation("a layer whose weights are computed")
    return {name: value.tensor for name, value in found.items() if value is not None}


def _linear(arguments: Arguments) -> Part:
    tensors = _tensors(arguments, "weight", "bias")
    return linear_part(tensors["weight"], tensors.get("bias"))


def _product(arguments: Arguments) -> Part:
    """Describe x W or b + x W, of which W is stored the other way round than a layer's."""
    tensors = _tensors(arguments, "weight", "bias")
    if "weight" not in tensors or any(arguments.get(name, 1) != 1 for name in ("alpha", "beta")):
        raise UnknownOperation("a product of two values")
    return linear_part(tensors["weight"].T, tensors.get("bias"))


def _convolution(arguments: Arguments) -> Part:
    if arguments.get("transposed"):
        raise UnknownOperation("a transposed convolution")
    settings = {name: arguments[name] for name in ("stride", "padding", "dilation", "groups") if name in arguments}
    return convolution_part(_tensors(arguments, "weight", "bias"), settings)


def _batch_norm(arguments: Arguments) -> Part:
    return norm_part(_tensors(arguments, "weight", "bias", "running_mean", "running_var"), arguments["eps"])


def _layer_norm(arguments: Arguments) -> Part:
    tensors = _tensors(arguments, "weight", "bias")
    if len(tensors) == 1:
        raise UnknownOperation("a layer-norm with a weight alone")
    shape = tuple(arguments["normalized_shape"])
    affine = bool(tensors)
    settings = {"normalized_shape": shape, "eps": arguments.get("eps", 1e-5), "elementwise_affine": affine}
    return Part("LayerNorm", settings, tensors)


def _pooling(kind: str, *names: str) -> Callable[[Arguments], Part]:
    def part(arguments: Arguments) -> Part:
        if arguments.get("divisor_override") is not None:
            raise UnknownOperation("pooling with a divisor of its own")
        settings = {name: arguments[name] for name in names if name in arguments}
        if settings.get("stride") in ([], None):
            settings.pop("stride", None)
        return Part(kind, {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()})

    return part


def _plain(kind: str, *names: str) -> Callable[[Arguments], Part]:
    """Describe a layer whose settings bear the names of the operation's arguments."""

    def part(arguments: Arguments) -> Part:
        settings = {name: arguments[name] for name in names if arguments.get(name) is not None}
        return Part(kind, {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()})

    return part


def _activation(name: str) -> Callable[[Arguments], Part]:
    return lambda arguments: Part("Activation", {"name": name})


def _elu(arguments: Arguments) -> Part:
    if any(arguments.get(name, 1) != 1 for name in ("scale", "input_scale")):
        raise UnknownOperation("elu with scales")
    return Part("ELU", {"alpha": arguments.get("alpha", 1.0)})


def _flatten(arguments: Arguments) -> Part:
    return Part("Flatten", {"start_dim": arguments.get("start_dim", 0), "end_dim": arguments.get("end_dim", -1)})


def _arithmetic(name: str) -> Callable[[Arguments], Part]:
    def part(arguments: Arguments) -> Part:
        if arguments.get("alpha", 1) != 1:
            raise UnknownOperation(f"{name} with alpha")
        return arithmetic_part(name, arguments["input"], arguments["other"])

    return part


def _permute(arguments: Arguments) -> Part:
    return Part("Permute", {"dims": tuple(arguments["dims"])})


CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "transposed", "output_padding", "groups")
NORM = ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps")
MAX_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
AVG_POOL = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")


def _one(kind: str, *names: str) -> Operation:
    return Operation(("input", *names), _plain(kind, *names))


OPERATIONS: dict[str, Operation] = {
    "linear": Operation(("input", "weight", "bias"), _linear),
    "addmm": Operation(("bias", "input", "weight", "beta", "alpha"), _product),
    "matmul": Operation(("input", "weight"), _product),
    "mm": Operation(("input", "weight"), _product),
    "conv1d": Operation(CONV, _convolution),
    "conv2d": Operation(CONV, _convolution),
    "_convolution_mode": Operation(CONV, _convolution),
    "convolution": Operation(CONVOLUTION, _convolution),
    "_convolution": Operation(CONVOLUTION, _convolution),
    "batch_norm": Operation(NORM, _batch_norm),
    "_native_batch_norm_legit_no_training": Operation((*NORM[:5], "momentum", "eps"), _batch_norm),
    "native_batch_norm": Operation(NORM, _batch_norm),
    "layer_norm": Operation(("input", "normalized_shape", "weight", "bias", "eps"), _layer_norm),
    "native_layer_norm": Operation(("input", "normalized_shape", "weight", "bias", "eps"), _layer_norm),
    "max_pool1d": Operation(("input", *MAX_POOL), _pooling("MaxPool1d", *MAX_POOL)),
    "max_pool2d": Operation(("input", *MAX_POOL), _pooling("MaxPool2d", *MAX_POOL)),
    "max_pool2d_with_indices": Operation(("input", *MAX_POOL), _pooling("MaxPool2d", *MAX_POOL)),
    "avg_pool1d": Operation(("input", *AVG_POOL), _pooling("AvgPool1d", *AVG_POOL)),
    "avg_pool2d": Operation(("input", *AVG_POOL, "divisor_override"), _pooling("AvgPool2d", *AVG_POOL)),
    "adaptive_avg_pool1d": _one("AdaptiveAvgPool1d", "output_size"),
    "adaptive_avg_pool2d": _one("AdaptiveAvgPool2d", "output_size"),
    "_adaptive_avg_pool2d": _one("AdaptiveAvgPool2d", "output_size"),
    "adaptive_max_pool2d": _one("AdaptiveMaxPool2d", "output_size"),
    "relu": _one("ReLU"),
    "relu6": _one("ReLU6"),
    "leaky_relu": _one("LeakyReLU", "negative_slope"),
    "elu": Operation(("input", "alpha", "scale", "input_scale"), _elu),
    "selu": _one("SELU"),
    "celu": _one("CELU", "alpha"),
    "gelu": _one("GELU", "approximate"),
    "silu": _one("SiLU"),
    "mish": _one("Mish"),
    "softplus": _one("Softplus", "beta", "threshold"),
    "hardtanh": Operation(("input", "min", "max"), lambda a: clip_part(a.get("min", -1), a.get("max", 1))),
    "clamp": Operation(("input", "min", "max"), lambda a: clip_part(a.get("min"), a.get("max"))),
    "clamp_min": Operation(("input", "min"), lambda a: clip_part(a.get("min"), None)),
    "clamp_max": Operation(("input", "max"), lambda a: clip_part(None, a.get("max"))),
    "hardswish": _one("Hardswish"),
    "hardsigmoid": _one("Hardsigmoid"),
    "tanh": _one("Tanh"),
    "sigmoid": _one("Sigmoid"),
    "softmax": _one("Softmax", "dim"),
    "_softmax": _one("Softmax", "dim"),
    "log_softmax": _one("LogSoftmax", "dim"),
    "_log_softmax": _one("LogSoftmax", "dim"),
    "abs": Operation(("input",), _activation("abs")),
    "neg": _one("Negate"),
    "flatten": Operation(("input", "start_dim", "end_dim"), _flatten),
    "view": Operation(("input", "size"), lambda arguments: reshape_part(arguments["size"])),
    "reshape": Operation(("input", "shape"), lambda arguments: reshape_part(arguments["shape"])),
    "_unsafe_view": Operation(("input", "size"), lambda arguments: reshape_part(arguments["size"])),
    "permute": Operation(("input", "dims"), _permute),
    "squeeze": Operation(("input", "dim"), lambda arguments: squeeze_part(arguments.get("dim"))),
    "erf": Operation(("input",), lambda arguments: Part("Unary", {"name": "erf"})),
    "mean": Operation(("input", "dim", "keepdim"), lambda a: mean_part(a.get("dim"), a.get("keepdim", False))),
    "cat": Operation(("tensors", "dim"), lambda a: concat_part(a["tensors"], a.get("dim", 0))),
    "add": Operation(("input", "other", "alpha"), _arithmetic("add")),
    "sub": Operation(("input", "other", "alpha"), _arithmetic("sub")),
    "mul": Operation(("input", "other"), _arithmetic("mul")),
    "div": Operation(("input", "other"), _arithmetic("div")),
    "pow": Operation(("input", "other"), _arithmetic("pow")),
    "maximum": Operation(("input", "other"), _arithmetic("maximum")),
    "minimum": Operation(("input", "other"), _arithmetic("minimum")),
}
"""Name -> the names of its arguments in torch's schema (``self`` is ``input`` here), and the part they describe."""

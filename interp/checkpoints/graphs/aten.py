"""Torch's own operations as parts of a network: what exported programs and TorchScript say they call.

Arguments come by the names that torch's schemas give them. A value that the network computes is a `Ref`, a stored
tensor a `Stored`; everything else is a plain number, list or None. Integers that depend on the input are `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import torch
from torch import Tensor

from interp.checkpoints.graphs.steps import BATCH_NORM, Part, Step, UnknownOperation, layer_name


class Ref(NamedTuple):
    """A value that the network computes from its input."""

    name: str


class Stored(NamedTuple):
    """A tensor that the file holds."""

    name: str
    tensor: Tensor


class Unknown:
    """What cannot be told without running the network."""


UNKNOWN = Unknown()
"""A number that only running the network would tell, such as the size of a batch."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """How to read one operation: the names of its arguments in order, and the part they describe."""

    names: tuple[str, ...]
    part: Callable[[Arguments], Part]


def read_operation(name: str, given: Sequence[Any], named: Arguments, output: str) -> Step | Ref | Stored | Unknown:
    """Read one call of a torch operation.

    Parameters
    ----------
    name
        Such as ``conv2d``; in-place forms count as the plain ones.
    given, named
        Arguments by position and by name.
    output
        A name for the value it makes.

    Returns
    -------
    Step, Ref, Stored or Unknown
        A step of the network; what it passes on unchanged; a stored tensor laid out anew; or what no input reaches.

    Raises
    ------
    UnknownOperation
        If it is not listed, or not in this form.
    """
    plain = name.rstrip("_") if not name.startswith("_") else name
    if plain in PASSING:
        return _passed(plain, given, named)
    if plain in LAID_OUT and isinstance(_first(given, named), Stored):
        return _laid_out(plain, given, named)
    if not any(isinstance(value, Ref) for value in _flat([*given, *named.values()])):
        return UNKNOWN
    operation = OPERATIONS.get(plain)
    if operation is None:
        raise UnknownOperation(plain)
    arguments = {**dict(zip(operation.names, given, strict=False)), **named}
    if odd := named.keys() - {*operation.names, *WITHOUT_EFFECT}:
        raise UnknownOperation(f"{plain} with {sorted(odd)[0]}")
    inputs = tuple(value.name for value in _flat(arguments.values()) if isinstance(value, Ref))
    part = operation.part(arguments)
    weight = arguments.get("weight")
    return Step(layer_name(weight.name, output) if isinstance(weight, Stored) else output, part, inputs, output)


def _flat(values: Any) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _first(given: Sequence[Any], named: Arguments) -> Any:
    return given[0] if given else next(iter(named.values()), None)


# --------------------------------------------------------------------------- what needs no part

PASSING = {
    "alias", "clone", "contiguous", "detach", "dropout", "feature_dropout", "alpha_dropout", "identity",
    "lift_fresh_copy", "to", "_to_copy", "type_as", "native_dropout", "_assert_tensor_metadata",
}  # fmt: skip
"""Operations that pass their first argument on, in eval mode and in one precision."""

WITHOUT_EFFECT = {"dtype", "layout", "device", "memory_format", "inplace", "half_to_float", "cudnn_enable"}
"""Named arguments that change no value, since all is computed in one precision on one device."""

FLOATS = (5, 6, 7, 15)  # torch's codes of half, float, double and bfloat16
LAID_OUT = ("t", "permute", "transpose", "numpy_T", "view", "reshape")


def _passed(name: str, given: Sequence[Any], named: Arguments) -> Ref | Stored:
    value = _first(given, named)
    if not isinstance(value, (Ref, Stored)):
        raise UnknownOperation("a copy of a number")
    for kind in [*given[1:], *named.values()]:
        whole = isinstance(kind, torch.dtype) and not kind.is_floating_point
        if whole or (type(kind) is int and name == "to" and kind not in FLOATS):
            raise UnknownOperation("a cast to whole numbers")
    return value


def _laid_out(name: str, given: Sequence[Any], named: Arguments) -> Stored:
    stored, *rest = [*given, *named.values()]
    try:
        if name in ("t", "numpy_T"):
            return Stored(stored.name, stored.tensor.T)
        return Stored(stored.name, getattr(stored.tensor, name)(*rest))
    except (TypeError, RuntimeError) as error:
        raise UnknownOperation(f"{name} of {stored.name}") from error


# --------------------------------------------------------------------------- parts


def _tensors(arguments: Arguments, *names: str) -> dict[str, Tensor]:
    found = {name: arguments.get(name) for name in names}
    if any(value is not None and not isinstance(value, Stored) for value in found.values()):
        raise UnknownOperation("a layer whose weights are computed")
    return {name: value.tensor for name, value in found.items() if value is not None}


def linear_part(weight: Tensor, bias: Tensor | None = None) -> Part:
    """Describe a dense layer of weight (N, D)."""
    if weight.dim() != 2:
        raise UnknownOperation(f"a product with a tensor of shape {tuple(weight.shape)}")
    tensors = {"weight": weight.contiguous()} if bias is None else {"weight": weight.contiguous(), "bias": bias}
    return Part("Linear", {"in_features": weight.shape[1], "out_features": weight.shape[0]}, tensors)


def _linear(arguments: Arguments) -> Part:
    tensors = _tensors(arguments, "weight", "bias")
    return linear_part(tensors["weight"], tensors.get("bias"))


def _product(arguments: Arguments) -> Part:
    """Describe x W or b + x W, of which W is stored the other way round than a layer's."""
    tensors = _tensors(arguments, "weight", "bias")
    if "weight" not in tensors or any(arguments.get(name, 1) != 1 for name in ("alpha", "beta")):
        raise UnknownOperation("a product of two values")
    return linear_part(tensors["weight"].T, tensors.get("bias"))


def convolution_part(tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Part:
    """Describe a convolution of weight (N, C / groups, kernel...) with plain zero padding."""
    weight, groups = tensors["weight"], int(settings.get("groups", 1))
    dimensions = weight.dim() - 2
    if dimensions not in (1, 2):
        raise UnknownOperation(f"a convolution over {dimensions} axes")
    sizes = {
        "in_channels": weight.shape[1] * groups,
        "out_channels": len(weight),
        "kernel_size": tuple(weight.shape[2:]),
    }
    spread = {
        name: spread_over(settings[name], dimensions) for name in ("stride", "padding", "dilation") if name in settings
    }
    return Part(f"Conv{dimensions}d", {**sizes, **spread, "groups": groups}, dict(tensors))


def spread_over(value: Any, dimensions: int) -> Any:
    """Give one number for each axis; a word, such as ``same``, stays."""
    if isinstance(value, str):
        return value
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    return tuple(values * dimensions if len(values) == 1 else values)


def _convolution(arguments: Arguments) -> Part:
    if arguments.get("transposed"):
        raise UnknownOperation("a transposed convolution")
    settings = {name: arguments[name] for name in ("stride", "padding", "dilation", "groups") if name in arguments}
    return convolution_part(_tensors(arguments, "weight", "bias"), settings)


def norm_part(tensors: Mapping[str, Tensor], eps: float) -> Part:
    """Describe a batch-norm, whose stored numbers are each (N,), over whatever axes follow."""
    if len(tensors) not in (2, 4) or not {"running_mean", "running_var"} <= tensors.keys():
        raise UnknownOperation(f"a batch-norm of {', '.join(tensors) or 'no stored numbers'}")
    settings = {"num_features": len(tensors["running_mean"]), "eps": eps, "affine": len(tensors) == 4}
    return Part(BATCH_NORM, settings, dict(tensors))


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


def clip_part(low: float | None, high: float | None) -> Part:
    """Describe a clamp; from 0 up it is a ReLU, from 0 to 6 a ReLU6."""
    if low == 0 and high in (None, 6):
        return Part("ReLU" if high is None else "ReLU6")
    return Part("Hardtanh", {"min_val": -inf if low is None else low, "max_val": inf if high is None else high})


def _elu(arguments: Arguments) -> Part:
    if any(arguments.get(name, 1) != 1 for name in ("scale", "input_scale")):
        raise UnknownOperation("elu with scales")
    return Part("ELU", {"alpha": arguments.get("alpha", 1.0)})


def reshape_part(shape: Sequence[Any]) -> Part:
    """Describe a reshape that leaves the first axis, which is the batch, as it is."""
    rest = list(shape)[1:]
    if any(not isinstance(size, int) for size in rest) or rest.count(-1) > 1:
        raise UnknownOperation(f"a reshape to {['?' if size is UNKNOWN else size for size in shape]}")
    return (
        Part("Flatten", {"start_dim": 1, "end_dim": -1}) if len(rest) == 1 else Part("Reshape", {"shape": tuple(rest)})
    )


def _flatten(arguments: Arguments) -> Part:
    return Part("Flatten", {"start_dim": arguments.get("start_dim", 0), "end_dim": arguments.get("end_dim", -1)})


def mean_part(dim: Any, keepdim: bool) -> Part:
    """Describe a mean over axes, which must not be all of them."""
    dims = list(dim) if isinstance(dim, (list, tuple)) else [dim]
    if not dims or any(not isinstance(one, int) for one in dims) or 0 in dims:
        raise UnknownOperation("a mean over the batch")
    return Part("Mean", {"dim": tuple(dims), "keepdim": bool(keepdim)})


def _arithmetic(name: str) -> Callable[[Arguments], Part]:
    def part(arguments: Arguments) -> Part:
        if arguments.get("alpha", 1) != 1:
            raise UnknownOperation(f"{name} with alpha")
        return arithmetic_part(name, arguments["input"], arguments["other"])

    return part


def arithmetic_part(name: str, first: Any, second: Any) -> Part:
    """Describe arithmetic on two values, or on one and something stored."""
    constants = [value for value in (first, second) if not isinstance(value, Ref)]
    if not constants:
        return Part("Arithmetic", {"name": name, "first": False})
    value = constants[0].tensor if isinstance(constants[0], Stored) else constants[0]
    if len(constants) > 1 or not isinstance(value, (int, float, Tensor)):
        raise UnknownOperation(f"{name} of what is no number")
    settings = {"name": name, "first": not isinstance(first, Ref)}
    return Part("Arithmetic", settings, {"constant": torch.as_tensor(value, dtype=torch.float32)})


def _concat(arguments: Arguments) -> Part:
    if not all(isinstance(value, Ref) for value in arguments["tensors"]):
        raise UnknownOperation("joining with stored tensors")
    return Part("Concat", {"dim": arguments.get("dim", 0)})


def _squeeze(arguments: Arguments) -> Part:
    """Describe a squeeze of named axes: without them a batch of one sample would lose its axis."""
    dims = arguments.get("dim")
    if dims is None:
        raise UnknownOperation("a squeeze of all axes")
    return Part("Squeeze", {"dim": dims if isinstance(dims, list) else [dims]})


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
    "squeeze": Operation(("input", "dim"), _squeeze),
    "erf": Operation(("input",), lambda arguments: Part("Unary", {"name": "erf"})),
    "mean": Operation(("input", "dim", "keepdim"), lambda a: mean_part(a.get("dim"), a.get("keepdim", False))),
    "cat": Operation(("tensors", "dim"), _concat),
    "add": Operation(("input", "other", "alpha"), _arithmetic("add")),
    "sub": Operation(("input", "other", "alpha"), _arithmetic("sub")),
    "mul": Operation(("input", "other"), _arithmetic("mul")),
    "div": Operation(("input", "other"), _arithmetic("div")),
    "pow": Operation(("input", "other"), _arithmetic("pow")),
    "maximum": Operation(("input", "other"), _arithmetic("maximum")),
    "minimum": Operation(("input", "other"), _arithmetic("minimum")),
}
"""Name -> the names of its arguments in torch's schema (``self`` is ``input`` here), and the part they describe."""

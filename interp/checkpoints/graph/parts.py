"""Parts that several formats describe alike, from what they state of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import torch
from torch import Tensor

from interp.checkpoints.graph.steps import BATCH_NORM, Part, UnknownOperation
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored


def linear_part(weight: Tensor, bias: Tensor | None = None) -> Part:
    """Describe a dense layer of weight (N, D).

    Raises
    ------
    UnknownOperation
        If the weight is no matrix.
    """
    if weight.dim() != 2:
        raise UnknownOperation(f"a product with a tensor of shape {tuple(weight.shape)}")
    tensors = {"weight": weight.contiguous()} if bias is None else {"weight": weight.contiguous(), "bias": bias}
    return Part("Linear", {"in_features": weight.shape[1], "out_features": weight.shape[0]}, tensors)


def convolution_part(tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Part:
    """Describe a convolution of weight (N, C / groups, kernel...) with plain zero padding.

    Raises
    ------
    UnknownOperation
        If it convolves over neither one axis nor two nor three.
    """
    weight, groups = tensors["weight"], int(settings.get("groups", 1))
    dimensions = weight.dim() - 2
    if dimensions not in (1, 2, 3):
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


def norm_part(tensors: Mapping[str, Tensor], eps: float) -> Part:
    """Describe a batch-norm, whose stored numbers are each (N,), over whatever axes follow.

    Raises
    ------
    UnknownOperation
        If running means or variances are missing, or there are other tensors.
    """
    if len(tensors) not in (2, 4) or not {"running_mean", "running_var"} <= tensors.keys():
        raise UnknownOperation(f"a batch-norm of {', '.join(tensors) or 'no stored numbers'}")
    settings = {"num_features": len(tensors["running_mean"]), "eps": eps, "affine": len(tensors) == 4}
    return Part(BATCH_NORM, settings, dict(tensors))


def clip_part(low: float | None, high: float | None) -> Part:
    """Describe a clamp; from 0 up it is a ReLU, from 0 to 6 a ReLU6."""
    if low == 0 and high in (None, 6):
        return Part("ReLU" if high is None else "ReLU6")
    return Part("Hardtanh", {"min_val": -inf if low is None else low, "max_val": inf if high is None else high})


def reshape_part(shape: Sequence[Any]) -> Part:
    """Describe a reshape that leaves the first axis, which is the batch, as it is.

    Raises
    ------
    UnknownOperation
        If a length is not known, or more than one is -1.
    """
    rest = list(shape)[1:]
    if any(not isinstance(size, int) for size in rest) or rest.count(-1) > 1:
        raise UnknownOperation(f"a reshape to {['?' if size is UNKNOWN else size for size in shape]}")
    return (
        Part("Flatten", {"start_dim": 1, "end_dim": -1}) if len(rest) == 1 else Part("Reshape", {"shape": tuple(rest)})
    )


def mean_part(dim: Any, keepdim: bool) -> Part:
    """Describe a mean over axes, which must not be all of them.

    Raises
    ------
    UnknownOperation
        If it averages over the samples.
    """
    dims = list(dim) if isinstance(dim, (list, tuple)) else [dim]
    if not dims or any(not isinstance(one, int) for one in dims) or 0 in dims:
        raise UnknownOperation("a mean over the batch")
    return Part("Mean", {"dim": tuple(dims), "keepdim": bool(keepdim)})


def arithmetic_part(name: str, first: Any, second: Any) -> Part:
    """Describe arithmetic on two values, or on one and something stored.

    Raises
    ------
    UnknownOperation
        If a stored operand is no number or tensor, or both are stored.
    """
    constants = [value for value in (first, second) if not isinstance(value, Ref)]
    if not constants:
        return Part("Arithmetic", {"name": name, "first": False})
    value = constants[0].tensor if isinstance(constants[0], Stored) else constants[0]
    if len(constants) > 1 or not isinstance(value, (int, float, Tensor)):
        raise UnknownOperation(f"{name} of what is no number")
    settings = {"name": name, "first": not isinstance(first, Ref)}
    return Part("Arithmetic", settings, {"constant": torch.as_tensor(value, dtype=torch.float32)})


def concat_part(values: Sequence[Any], dim: int) -> Part:
    """Describe values joined along an axis, all of which the network computes.

    Raises
    ------
    UnknownOperation
        If one of them is stored.
    """
    if not all(isinstance(value, Ref) for value in values):
        raise UnknownOperation("joining with stored tensors")
    return Part("Concat", {"dim": dim})


def squeeze_part(dims: Any) -> Part:
    """Describe a squeeze of named axes: without them a batch of one sample would lose its axis.

    Raises
    ------
    UnknownOperation
        If no axis is named, or the first, which is the batch.
    """
    dims = dims if isinstance(dims, list) else [dims]
    if not dims or any(type(dim) is not int or dim == 0 for dim in dims):
        raise UnknownOperation("a squeeze of all axes, or of the batch")
    return Part("Squeeze", {"dim": dims})

"""What a tensor is to the nodes it was computed from, followed through the torch functions that use it.

An activation is certain only where what is read next is its very output. So a name stands for what a tensor is:

- ``z``: the values themselves, or what keeps the nodes of them, such as a pooling;
- the name of an activation: its output on z;
- ``~`` before one of these: times a constant, such as the sign change in ``-relu(z)``;
- ``moved``: z with its axes elsewhere, where no activation is looked for;
- ``custom``: any other function of z alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from interp.activations import activation_name

KEEPS_NODES = {
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm", "clone", "contiguous",
    "detach", "dropout", "dropout1d", "dropout2d", "dropout3d", "flatten", "float", "identity", "max_pool1d",
    "max_pool2d", "max_pool2d_with_indices", "reshape", "squeeze", "to", "unsqueeze", "view",
}  # fmt: skip
"""Torch functions after which an activation still acts on the same nodes."""

MOVES = {"get", "getitem", "movedim", "narrow", "permute", "swapaxes", "t", "transpose"}
"""Torch functions that take values elsewhere as they are; `get` is what an attribute such as `.T` calls."""

SCALES = {"neg", "negative", "mul", "multiply", "div", "divide", "true_divide", "truediv", "imul", "itruediv"}
"""Torch functions of one tensor of nodes that multiply it by a constant."""

POINTWISE = SCALES | {
    "add", "addcmul", "addcdiv", "arctan", "atan", "asinh", "bitwise_and", "bitwise_or", "ceil", "clamp", "clamp_max",
    "clamp_min", "clip", "copysign", "cos", "cosh", "eq", "erf", "erfc", "exp", "exp2", "expm1", "fill", "floor",
    "fmax", "fmin", "full_like", "ge", "glu", "gt", "hardshrink", "hardsigmoid", "heaviside", "hypot", "iadd", "imul",
    "ipow", "isub", "le", "lerp", "log", "log10", "log1p", "log2", "log_sigmoid", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logit", "logsigmoid", "lt", "masked_fill", "max", "maximum", "min", "minimum",
    "ne", "ones_like", "pow", "radd", "rdiv", "reciprocal", "remainder", "rmul", "round", "rpow", "rrelu", "rsqrt",
    "rsub", "rtruediv", "sgn", "sigmoid", "sign", "sin", "sinc", "sinh", "softshrink", "softsign", "sqrt", "square",
    "sub", "subtract", "tan", "tanhshrink", "threshold", "trunc", "where", "xlogy", "zeros_like",
}  # fmt: skip
"""Torch functions that act on every value alone, besides those that have an activation's name."""


def named_activation(function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Name the activation that a call computes: that of its function, or ReLU6 for a clip to [0, 6]."""
    name = activation_name(function)
    if name != "hardtanh":
        return name
    said = {**dict(zip(("input", "min_val", "max_val"), args, strict=False)), **kwargs}
    return "relu6" if (said.get("min_val"), said.get("max_val")) == (0, 6) else name


def tensors_in(values: Iterable[Any]) -> list[Tensor]:
    """List the tensors among some arguments, those in tuples, lists and dicts of them too."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += tensors_in(value)
        elif isinstance(value, Mapping):
            found += tensors_in(value.values())
    return found


def become(function: str, activation: str | None, states: list[str], same_shape: bool) -> str | None:
    """Name what a function makes of tensors of one layer's nodes and of constants.

    Parameters
    ----------
    activation
        The one that the call computes, if any.
    states
        What the layer's tensors among its arguments are.
    same_shape
        Whether the result has the shape of the first of them.

    Returns
    -------
    str or None
        None where the result is no function of each value alone: the nodes are read by something else.

    Examples
    --------
    >>> become("relu", "relu", ["z"], True), become("mul", None, ["z", "sigmoid"], True)
    ('relu', 'custom')
    >>> become("neg", None, ["relu"], True), become("linear", None, ["relu"], True)
    ('~relu', None)
    """
    if function in KEEPS_NODES:
        return states[0]
    if function in MOVES:
        return "moved" if states[0] in ("z", "moved") else states[0]
    if activation is not None:
        return activation if states == ["z"] else "custom"
    if function not in POINTWISE or not (same_shape or function == "glu"):
        return None
    if function in SCALES and len(states) == 1 and states[0] not in ("custom", "moved"):
        return "~" + states[0].removeprefix("~")
    return states[0] if function in SCALES and states == ["moved"] else "custom"


def activation_of(read: Iterable[str]) -> str:
    """Name the activation of nodes from all that is read of them.

    Examples
    --------
    >>> activation_of({"relu"}), activation_of({"z", "moved"}), activation_of({"~relu"}), activation_of({"z", "relu"})
    ('relu', 'identity', 'custom', 'custom')
    """
    names = {"identity" if state in ("z", "~z", "moved") else state for state in read}
    name = names.pop() if len(names) == 1 else "custom"
    return "custom" if name.startswith("~") else name

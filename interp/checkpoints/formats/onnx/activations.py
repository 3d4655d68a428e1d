"""ONNX operations on each value alone."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

from interp.checkpoints.formats.onnx.nodes import Node
from interp.checkpoints.graph.parts import clip_part
from interp.checkpoints.graph.steps import Part, UnknownOperation


def _clip(node: Node) -> Part:
    ends = [node.stored(at) for at in (1, 2)]
    low, high = (None if end is None else float(end) for end in ends)
    return clip_part(node.attributes.get("min", low), node.attributes.get("max", high))


def _selu(node: Node) -> Part:
    said = {"alpha": 1.6732632, "gamma": 1.0507010} | node.attributes
    if not (isclose(said["alpha"], 1.6732632, rel_tol=1e-5) and isclose(said["gamma"], 1.0507010, rel_tol=1e-5)):
        raise UnknownOperation("Selu of another shape than torch's")
    return Part("SELU")


def _hard_sigmoid(node: Node) -> Part:
    slope, offset = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if isclose(slope, 1 / 6, rel_tol=1e-6) and offset == 0.5:
        return Part("Hardsigmoid")
    return Part("SlopedHardsigmoid", {"slope": slope, "offset": offset})


def _prelu(node: Node) -> Part:
    """Describe slopes of channels, which are on axis 1 where axes of length one follow them, else on the last axis."""
    slope = node.stored(1)
    if slope is None or slope.numel() != max((1, *slope.shape)):
        raise UnknownOperation("PRelu of slopes that are not one a channel")
    kind = "LastAxisPReLU" if slope.numel() > 1 and slope.shape[-1] > 1 else "PReLU"
    return Part(kind, {"num_parameters": slope.numel()}, {"weight": slope.flatten()})


def _plain(kind: str, **settings: tuple[str, Any]) -> Callable[[Node], Part]:
    """Describe a layer by attributes: setting = (attribute, its default)."""

    def part(node: Node) -> Part:
        found = {name: node.attributes.get(attribute, default) for name, (attribute, default) in settings.items()}
        return Part(kind, {name: v.decode() if isinstance(v, bytes) else v for name, v in found.items()})

    return part


def _thresholded_relu(node: Node) -> Part:
    return Part("Threshold", {"threshold": node.attributes.get("alpha", 1.0), "value": 0.0})


UNARY = {
    "Erf": "erf", "Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Reciprocal": "reciprocal", "Sign": "sign",
    "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sin": "sin", "Cos": "cos", "Atan": "atan",
    "Softsign": "softsign", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Sinh": "sinh", "Cosh": "cosh",
    "Asinh": "asinh", "Acosh": "acosh", "Atanh": "atanh",
}  # fmt: skip
"""Operation -> name in `interp.checkpoints.graph.operations.UNARY`."""

ACTIVATIONS: dict[str, Callable[[Node], Part]] = {
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
    **{kind: _plain("Unary", name=("", name)) for kind, name in UNARY.items()},
    "ThresholdedRelu": _thresholded_relu,
    "Abs": _plain("Activation", name=("", "abs")),
    "Neg": _plain("Negate"),
    "Clip": _clip,
}
"""Operation -> the part it describes."""

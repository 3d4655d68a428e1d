"""Layers of whole numbers with fixed scales -> the same layers of floats, between roundings of their own.

Static quantisers, and ONNX Runtime's optimiser, make one operation of a rounded value, a layer and the rounding of
its outputs (``QLinearConv``, ``QLinearMatMul``, ``QGemm``). That is ``DequantizeLinear``, the layer with scaled
weights, whose outputs are nodes, and ``QuantizeLinear``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interp.checkpoints.deployed.folding.constants import set_constants
from interp.checkpoints.deployed.folding.integers import scaled, weight_name
from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, attributes
from interp.types import Array

VALUES = ("x", "x_scale", "x_zero", "weight", "weight_scale", "weight_zero")

INPUTS = {
    "QLinearConv": (*VALUES, "y_scale", "y_zero", "bias"),
    "QLinearMatMul": (*VALUES, "y_scale", "y_zero"),
    "QGemm": (*VALUES, "bias", "y_scale", "y_zero"),
}
"""Operation -> meaning of its inputs, in order."""

LAYERS = {"QLinearConv": "Conv", "QLinearMatMul": "MatMul", "QGemm": "Gemm"}
"""Operation on whole numbers -> the same on floats."""

ROUNDED = 10
"""Version from which there are `QuantizeLinear` and `DequantizeLinear`."""


def write_out_fixed(program: Program, node: Any) -> list[Any]:
    """Write a layer of whole numbers with fixed scales as a layer of floats between two roundings.

    Parameters
    ----------
    program
        Program that the node is of; weights and biases of floats become constants of it.
    node
        Operation (NodeProto).

    Returns
    -------
    list
        Operations whose last one gives what the node gave; the node itself where its weights or scales are computed,
        or are laid out in another way.
    """
    given = {name: value for name, value in zip(INPUTS[node.op_type], node.input, strict=False) if value}
    settings = attributes(node)
    is_turned, factor = settings.pop("transB", 0), settings.pop("alpha", 1.0)
    known = _known(program, given)
    if known is None or settings.pop("channels_last", 0) or settings.pop("transA", 0):
        return [node]
    if is_turned:
        known["weight"] = known["weight"].T
    numbers = _numbers(node.op_type, known, factor)
    if numbers is None:
        return [node]
    named, own = weight_name(given["weight"], program), f"{node.output[0]}__weight"
    names = [own if named in program.constants else named, f"{node.output[0]}__bias"][: len(numbers)]
    set_constants(program, dict(zip(names, numbers, strict=True)))
    values, layer = (f"{node.output[0]}__{name}" for name in ("x", "layer"))
    rounding = [given[name] for name in ("y_scale", "y_zero") if name in given]
    last = [_make("QuantizeLinear", [layer, *rounding], node.output[0])] if rounding else []
    return [
        _make("DequantizeLinear", [given[name] for name in VALUES[:3] if name in given], values),
        _make(LAYERS[node.op_type], [values, *names], layer if last else node.output[0], name=node.name, **settings),
        *last,
    ]


def _known(program: Program, given: Mapping[str, str]) -> dict[str, Array] | None:
    """Give all that a layer reads but x; None where some of it is computed, or values have several scales."""
    if program.version < ROUNDED:
        return None
    others = {name: value for name, value in given.items() if name != "x"}
    if given["x"] in program.constants or any(value not in program.constants for value in others.values()):
        return None
    read = installed().onnx.numpy_helper.to_array
    known = {name: read(program.constants[value]) for name, value in others.items()}
    return known if all(known[name].size == 1 for name in ("x_scale", "y_scale") if name in known) else None


def _numbers(kind: str, known: Mapping[str, Array], factor: float) -> list[Array] | None:
    """Give weights, and a bias where there is one, in float32; None where they are scaled along another axis.

    A bias is stored in steps of the product: of x and of each node's weights.
    """
    space = known["weight"].ndim - 2 if kind == "QLinearConv" else 0
    if not space and known["weight"].ndim != 2:
        return None
    scales = known["weight_scale"].astype(np.float64) * factor
    zeros = known.get("weight_zero", np.zeros(())).astype(np.float64)
    weight = scaled(known["weight"].astype(np.float64), zeros, scales, space)
    if weight is None:
        return None
    bias = [known["bias"] * known["x_scale"].astype(np.float64).reshape(()) * scales] if "bias" in known else []
    return [weight, *(one.astype(np.float32) for one in bias)]


def _make(kind: str, inputs: list[str], output: str, **settings: Any) -> Any:
    return installed().onnx.helper.make_node(kind, inputs, [output], **settings)

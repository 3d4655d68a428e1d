"""Layers of whole numbers that ONNX Runtime's optimiser makes one operation of, written out again.

What `integers.py` reads is what they were before: ``DynamicQuantizeLinear``, ``MatMulInteger``, ``Cast``, two ``Mul``
and ``Add``.
"""

from __future__ import annotations

from typing import Any

from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import FLOAT, Program

INPUTS = {
    "DynamicQuantizeMatMul": ("x", "weight", "weight_scale", "weight_zero", "bias"),
    "MatMulIntegerToFloat": ("x", "weight", "x_scale", "weight_scale", "x_zero", "weight_zero", "bias"),
}
"""Operation of ONNX Runtime's -> meaning of its inputs, in order; those behind the scales may be left out."""

ROUNDED_ANEW = 11
"""Version from which there is `DynamicQuantizeLinear`."""


def write_out_integers(program: Program, node: Any) -> list[Any]:
    """Write a product of whole numbers that gives floats as several operations.

    Parameters
    ----------
    program
        Program that the node is of.
    node
        Operation of ONNX Runtime's own (NodeProto).

    Returns
    -------
    list
        Operations whose last one gives what the node gave; the node itself where the product cannot be written so.
    """
    if program.version < ROUNDED_ANEW:
        return [node]
    given = dict(zip(INPUTS[node.op_type], node.input, strict=False))
    between = ("x", "x_scale", "x_zero", "whole", "float", "scale", "scaled")
    made = {name: f"{node.output[0]}__{name}" for name in between}
    nodes = []
    if "x_scale" not in given:
        rounded = [made["x"], made["x_scale"], made["x_zero"]]
        nodes.append(_make("DynamicQuantizeLinear", [given["x"]], rounded))
        given |= dict(zip(("x", "x_scale", "x_zero"), rounded, strict=True))
    factors = [given["x"], given["weight"], given.get("x_zero", ""), given.get("weight_zero", "")]
    bias = given.get("bias", "")
    scaled = made["scaled"] if bias else node.output[0]
    nodes += [
        _make("MatMulInteger", factors, [made["whole"]], name=node.name),
        _make("Cast", [made["whole"]], [made["float"]], to=FLOAT),
        _make("Mul", [given["x_scale"], given["weight_scale"]], [made["scale"]]),
        _make("Mul", [made["float"], made["scale"]], [scaled]),
    ]
    return [*nodes, _make("Add", [scaled, bias], list(node.output))] if bias else nodes


def _make(kind: str, inputs: list[str], outputs: list[str], **settings: Any) -> Any:
    return installed().onnx.helper.make_node(kind, inputs, outputs, **settings)

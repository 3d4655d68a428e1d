"""Operations that ONNX Runtime's optimiser makes of a layer and what follows it, written out again."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp.checkpoints.deployed.folding.constants import set_constants
from interp.checkpoints.deployed.folding.fixed_integers import LAYERS as OF_FIXED_SCALES
from interp.checkpoints.deployed.folding.fixed_integers import write_out_fixed
from interp.checkpoints.deployed.folding.fused_integers import INPUTS, write_out_integers
from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, attributes
from interp.types import Array

MICROSOFT = "com.microsoft"
"""Domain of ONNX Runtime's own operations."""

LAYER_OF = {"FusedConv": "Conv", "FusedGemm": "Gemm"}
"""Operation that has an activation in it -> the layer alone."""

PARAMETERS = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "Elu": ("alpha",), "Clip": ("min", "max")}
"""Activation -> its parameters, in order."""

ENDS_AS_INPUTS = 11
"""Version from which `Clip` reads its ends as inputs."""

WITHOUT_PARAMETERS = ("Relu", "Tanh", "Sigmoid")


def write_out_fused(program: Program) -> None:
    """Write layers that have an activation, a factor or a rounding in them as several operations.

    Parameters
    ----------
    program
        Program, which is changed; operations in other forms stay as they are.
    """
    program.nodes = [part for node in program.nodes for part in _written_out(program, node)]


def _written_out(program: Program, node: Any) -> list[Any]:
    """Give the operations that a node stands for; the node itself where that is not known."""
    if node.op_type in OF_FIXED_SCALES and node.domain in ("", "ai.onnx", MICROSOFT):
        return write_out_fixed(program, node)
    if node.domain != MICROSOFT:
        return [node]
    if node.op_type == "FusedMatMul":
        return _product(program, node)
    if node.op_type in INPUTS:
        return write_out_integers(program, node)
    if node.op_type not in LAYER_OF or len(node.input) > 3:  # FusedConv may add a fourth value before its activation
        return [node]
    said = attributes(node)
    kind = said.get("activation", b"").decode()
    settings, like = _settings(kind, said), program.constants.get(node.input[1])
    if settings is None or like is None:
        return [node]
    between = _between(node)
    layer = _make(LAYER_OF[node.op_type], list(node.input), between, name=node.name)
    layer.attribute.extend(one for one in node.attribute if not one.name.startswith("activation"))
    return [layer, _activation(program, kind, settings, like, (between, node.output[0]))]


def _settings(kind: str, said: dict[str, Any]) -> dict[str, float] | None:
    """Give the parameters of an activation by name; None for one that is not known here."""
    if kind in ("", *WITHOUT_PARAMETERS):
        return {}
    names = PARAMETERS.get(kind, ())
    of_convolution = said.get("activation_params", [])
    values = [*of_convolution, *(said[f"activation_{name}"] for name in names if f"activation_{name}" in said)]
    return dict(zip(names, values, strict=True)) if len(names) == len(values) > 0 else None


def _activation(program: Program, kind: str, settings: dict[str, float], like: Any, ends: tuple[str, str]) -> Any:
    """Make an activation between two values; numbers that it reads are of the type of the weights."""
    value, output = ends
    if kind != "Clip" or program.version < ENDS_AS_INPUTS:
        return _make(kind or "Identity", [value], output, **settings)
    limits = {f"{output}__{name}": _number(number, like) for name, number in settings.items()}
    set_constants(program, limits)
    return _make("Clip", [value, *limits], output)


def _number(number: float, like: Any) -> Array:
    """Give a number in the type of a tensor (TensorProto)."""
    return np.array(number, installed().onnx.helper.tensor_dtype_to_np_dtype(like.data_type))


def _product(program: Program, node: Any) -> list[Any]:
    """Write a product with a factor; one that turns what is computed, or several samples' axes, stays."""
    said = attributes(node)
    first, second = node.input
    like = program.constants.get(second)
    if like is None or said.get("transA") or said.get("transBatchA") or said.get("transBatchB"):
        return [node]
    nodes, between, turned = [], _between(node), f"{node.output[0]}__turned"
    if said.get("transB"):
        if len(like.dims) != 2:
            return [node]
        nodes.append(_make("Transpose", [second], turned, perm=[1, 0]))
        second = turned
    factor = f"{node.output[0]}__factor"
    set_constants(program, {factor: _number(said.get("alpha", 1.0), like)})
    nodes.append(_make("MatMul", [first, second], between, name=node.name))
    return [*nodes, _make("Mul", [between, factor], node.output[0])]


def _between(node: Any) -> str:
    return f"{node.output[0]}__layer"


def _make(kind: str, inputs: list[str], output: str, **settings: Any) -> Any:
    return installed().onnx.helper.make_node(kind, inputs, [output], **settings)

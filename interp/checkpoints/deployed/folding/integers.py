"""Layers of whole numbers, scaled anew for each input -> the same layers of rounded values, with weights of floats.

Quantisers write a dense layer or convolution as ``DynamicQuantizeLinear``, ``MatMulInteger`` or ``ConvInteger``,
``Cast`` and two ``Mul``: x is rounded to eight bits in steps of its own range, and the product of whole numbers is
scaled. That is the product of the rounded x with scaled weights, whose outputs are nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, attributes, pruned, reads
from interp.types import Array

LAYERS = {"MatMulInteger": "MatMul", "ConvInteger": "Conv"}
"""Operation on whole numbers -> the same on floats."""

ROUNDING = "DynamicQuantizeLinear"
FLOAT = 1  # TensorProto.DataType


class WholeLayer(NamedTuple):
    """One layer of whole numbers: its node, the one that scales its outputs, and its weights as floats."""

    node: Any
    last: Any
    weight: Array


def with_rounded_values(program: Program) -> Program:
    """Add the rounded x of each layer as a value of its own; nothing else changes.

    Parameters
    ----------
    program
        Program whose constants are folded.
    """
    rounded = {one.node.input[0] for one in _layers(program)}
    make = installed().onnx.helper.make_node
    nodes = []
    for node in program.nodes:
        nodes.append(node)
        if node.op_type == ROUNDING and node.output[0] in rounded:
            nodes.append(make("DequantizeLinear", list(node.output), [_values_of(node.output[0])]))
    return replace(program, nodes=nodes)


def with_floats(program: Program) -> Program:
    """Give each layer of whole numbers weights of floats, and the rounded x as a float to read.

    Parameters
    ----------
    program
        Program that `with_rounded_values` gave.
    """
    found = installed()
    constants = dict(program.constants)
    instead = {}
    for one in _layers(program):
        name = weight_name(one.node.input[1], program)
        constants[name] = found.onnx.numpy_helper.from_array(one.weight, name)
        given = [_values_of(one.node.input[0]), name]
        kind = LAYERS[one.node.op_type]
        instead[id(one.last)] = found.onnx.helper.make_node(
            kind, given, list(one.last.output), one.node.name, **attributes(one.node)
        )
    nodes = [instead.get(id(node), node) for node in program.nodes]
    return replace(program, nodes=pruned(nodes, [*program.outputs, *program.guards]), constants=constants)


def _values_of(name: str) -> str:
    return f"{name}__values"


def weight_name(name: str, program: Program) -> str:
    """Name weights as before they were made whole numbers, as quantisers write it.

    Parameters
    ----------
    name
        Name of the whole numbers.
    program
        Program whose constants may have that name already.
    """
    before = name.removesuffix("_quantized")
    return before if before not in program.constants else _values_of(name)


def _layers(program: Program) -> Iterator[WholeLayer]:
    makers = {name: node for node in program.nodes for name in node.output}
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in program.nodes:
        for name in reads(node):
            readers[name].append(node)
    for name in (*program.outputs, *program.guards):
        readers[name].append(None)
    for node in program.nodes:
        one = _layer(node, makers, readers, program) if node.op_type in LAYERS else None
        if one is not None:
            yield one


def _layer(
    node: Any, makers: Mapping[str, Any], readers: Mapping[str, list[Any]], program: Program
) -> WholeLayer | None:
    """Follow a product of whole numbers to the node that scales it; None where it is written in another way."""
    rounding = makers.get(node.input[0])
    if rounding is None or rounding.op_type != ROUNDING or list(node.input[:3:2]) != list(rounding.output[::2]):
        return None
    cast = _only(readers[node.output[0]], "Cast")
    last = None if cast is None or attributes(cast)["to"] != FLOAT else _only(readers[cast.output[0]], "Mul")
    if last is None:
        return None
    scaling = next((makers.get(name) for name in last.input if name != cast.output[0]), None)
    if scaling is None or scaling.op_type != "Mul" or rounding.output[1] not in scaling.input:
        return None
    scale = next((name for name in scaling.input if name in program.constants), None)
    weight = None if scale is None else _weight(node, scale, program)
    return None if weight is None else WholeLayer(node, last, weight)


def _only(nodes: list[Any], kind: str) -> Any:
    """Give the one reader of a value, if it is of this kind."""
    return nodes[0] if len(nodes) == 1 and nodes[0] is not None and nodes[0].op_type == kind else None


def _weight(node: Any, scale: str, program: Program) -> Array | None:
    """Give the weights in float32; None where they are computed, or scaled along another axis than the nodes'."""
    named = [node.input[1], scale, *[name for name in node.input[3:4] if name]]
    if any(name not in program.constants for name in named):
        return None
    found = installed()
    weight, scales, *zeros = (
        found.onnx.numpy_helper.to_array(program.constants[name]).astype(np.float64) for name in named
    )
    space = weight.ndim - 2 if node.op_type == "ConvInteger" else 0
    return scaled(weight, zeros[0] if zeros else np.zeros(()), scales, space)


def scaled(weight: Array, zeros: Array, scales: Array, space: int) -> Array | None:
    """Give weights of whole numbers in float32; None where they are scaled along another axis than the nodes'.

    Parameters
    ----------
    weight
        Whole numbers: of a dense layer (D, N), of a convolution (N, D, H, W).
    zeros
        Number that stands for 0, or one for each node (N,).
    scales
        Size of a step, or one for each node, with or without the axes of space behind it.
    space
        Number of the axes of space; 0 for a dense layer.
    """
    if scales.ndim == 1:
        scales = scales.reshape((-1, *[1] * space))
    zero = _along(zeros.reshape((*zeros.shape, *[1] * space)), weight, space)
    factor = _along(scales, weight, space)
    return None if zero is None or factor is None else ((weight - zero) * factor).astype(np.float32)


def _along(numbers: Array, weight: Array, space: int) -> Array | None:
    """Shape one number for each node as the weights are: of dense layers (D, N), of convolutions (N, D, H, W).

    Parameters
    ----------
    numbers
        One number, or one for each node on the axis before those of space.
    weight
        Weights that the numbers belong to.
    space
        Number of the axes of space; 0 for a dense layer.
    """
    if numbers.size == 1:
        return numbers.reshape(())
    nodes = weight.shape[0] if space else weight.shape[-1]
    behind = numbers.shape[numbers.ndim - space :] if space else ()
    axis = numbers.ndim - space - 1
    if axis < 0 or numbers.shape[axis] != nodes or numbers.size != nodes or set(behind) - {1}:
        return None
    return numbers.reshape((nodes, *[1] * (weight.ndim - 1))) if space else numbers.reshape(nodes)

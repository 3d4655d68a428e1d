"""Layers of a graph that ONNX Runtime runs whole, so that they are no nodes: each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from interp.checkpoints.deployed.folding.constants import RANDOM
from interp.checkpoints.deployed.modules.planned import why_no_module
from interp.checkpoints.deployed.program import Program, first_of, inner_graphs, reads
from interp.checkpoints.formats.onnx.nodes import short_name
from interp.checkpoints.graph.steps import layer_name
from interp.checkpoints.graph.values import Stored

OF_ANY_WEIGHTS = ("Conv", "LSTM", "GRU", "RNN")
"""Part of an operation's name that makes it a layer, whether or not its weights are stored."""

OF_STORED_WEIGHTS = ("Gemm", "MatMul", "Einsum", "Attention", "MoE")
"""Part of an operation's name that makes it a layer where it reads something stored: else it joins two values."""

FACTORS = {"QLinearMatMul": (0, 3), "QGemm": (0, 3), "MatMulIntegerToFloat": (0, 1)}
"""Operation that reads scales, too, which are stored -> places of the two values that it joins."""

HOLDING_WEIGHTS = ("LinearClassifier", "LinearRegressor")
"""Operations that hold their weights as attributes."""


class Whole(NamedTuple):
    """One layer that ONNX Runtime runs.

    Attributes
    ----------
    node
        Operation (NodeProto).
    weight
        Name of the stored values that it reads, or that what it reads is made of; empty where there are none.
    inside
        Kind of the operation that it is inside of, such as ``Loop``; empty for one of the graph itself.
    """

    node: Any
    weight: str
    inside: str


def layers_left(
    program: Program, nodes: Iterable[Any], stored: Mapping[str, Stored], known: Mapping[str, str]
) -> dict[str, str]:
    """Name the linear maps and recurrent layers among some nodes, those of inner graphs too.

    Parameters
    ----------
    program
        Program that the nodes are of.
    nodes
        Nodes that ONNX Runtime runs, in running order.
    stored
        Constants of numbers by name, as `stored_numbers` gives them.
    known
        Name of the first value that a recurrent operation makes -> reason why it is no module.

    Returns
    -------
    dict
        Name of each layer -> reason why it has no nodes.
    """
    left: dict[str, str] = {}
    for one in _layers(nodes, {name: name for name in program.constants}, ""):
        first = first_of(one.node.output)
        if one.inside:
            reason = f"{one.node.op_type} inside of a {one.inside}, which ONNX Runtime runs whole"
        else:
            why = known.get(first) or why_no_module(one.node, stored, program)
            reason = f"{one.node.op_type} that ONNX Runtime runs whole: {why}"
        left[_free(one, left)] = reason
    return left


def _layers(nodes: Iterable[Any], fixed: dict[str, str], inside: str) -> Iterator[Whole]:
    """Find layers in running order; `fixed` is each value that no input reaches -> what it is made of first."""
    for node in nodes:
        joined = [name for at, name in enumerate(node.input) if at in FACTORS.get(node.op_type, (at,))]
        weight = next((fixed[name] for name in joined if name in fixed), "")
        if node.op_type not in RANDOM and fixed.keys() >= set(reads(node)):
            fixed |= {name: weight or name for name in node.output}
            continue
        if _is_layer(node.op_type, bool(weight)):
            yield Whole(node, weight, inside)
        for graph in inner_graphs(node):
            hidden = {one.name for one in graph.input} | {name for one in graph.node for name in one.output}
            outer = {name: first for name, first in fixed.items() if name not in hidden}
            own = {one.name: one.name for one in graph.initializer}
            yield from _layers(graph.node, outer | own, node.op_type)


def _is_layer(kind: str, has_weights: bool) -> bool:
    if kind in HOLDING_WEIGHTS or any(part in kind for part in OF_ANY_WEIGHTS):
        return True
    return has_weights and any(part in kind for part in OF_STORED_WEIGHTS)


def _free(one: Whole, taken: Mapping[str, str]) -> str:
    """Name a layer as its module would be named; with a number where another is called so."""
    scope = ".".join(part for part in one.node.name.split("/")[:-1] if part)
    own = layer_name(one.weight, scope or one.node.name or first_of(one.node.output))
    name, number = short_name(own), 1
    while name in taken:
        number += 1
        name = f"{short_name(own)}_{number}"
    return name

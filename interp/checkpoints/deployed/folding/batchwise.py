"""Recurrent operations whose samples come before their time steps, which ONNX Runtime does not have, turned."""

from __future__ import annotations

from typing import Any

from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, first_of

TURNED_INPUTS: dict[int, tuple[int, ...]] = {0: (1, 0, 2), 5: (1, 0, 2), 6: (1, 0, 2)}
"""Number of an input (x, initial h, initial c) -> order of its axes that puts time, or directions, first."""

TURNED_OUTPUTS: dict[int, tuple[int, ...]] = {0: (2, 0, 1, 3), 1: (1, 0, 2), 2: (1, 0, 2)}
"""Number of an output (Y, Y_h, Y_c) -> order of its axes that puts samples first."""


def put_time_first(program: Program) -> None:
    """Write recurrent operations of ``layout`` 1 as ones of ``layout`` 0 between transpositions.

    Parameters
    ----------
    program
        Program, which is changed.
    """
    program.nodes = [part for node in program.nodes for part in (_turned(node) if _has_samples_first(node) else [node])]


def _has_samples_first(node: Any) -> bool:
    named = node.op_type in ("LSTM", "GRU", "RNN") and node.domain in ("", "ai.onnx")
    return named and any(one.name == "layout" and one.i == 1 for one in node.attribute)


def _turned(node: Any) -> list[Any]:
    """Give the nodes that stand for one."""
    make = installed().onnx.helper.make_node
    inner = type(node)()
    inner.CopyFrom(node)
    (layout,) = (at for at, one in enumerate(node.attribute) if one.name == "layout")
    del inner.attribute[layout]
    before, behind = [], []
    stem = first_of(node.output)
    for at, order in TURNED_INPUTS.items():
        if at < len(node.input) and node.input[at]:
            inner.input[at] = f"{stem}__input_{at}"
            before.append(make("Transpose", [node.input[at]], [inner.input[at]], perm=order))
    for at, order in TURNED_OUTPUTS.items():
        if at < len(node.output) and node.output[at]:
            inner.output[at] = f"{stem}__output_{at}"
            behind.append(make("Transpose", [inner.output[at]], [node.output[at]], perm=order))
    return [*before, inner, *behind]

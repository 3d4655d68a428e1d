"""Constants computed, branches and loops opened: what is left is one list of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interp.checkpoints.deployed.folding.batchwise import put_time_first
from interp.checkpoints.deployed.folding.branches import open_one, rename
from interp.checkpoints.deployed.folding.constants import compute_constants, take_constants
from interp.checkpoints.deployed.folding.fused import write_out_fused
from interp.checkpoints.deployed.program import Program, Unusable, inner_graphs, pruned
from interp.types import Array

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN")
"""Operations whose outputs are nodes."""

MOST_NODES = 20_000


def folded(program: Program, conditions: Mapping[str, Array] | None = None) -> Program:
    """Compute what depends on constants alone, and open branches and loops whose course is known.

    Parameters
    ----------
    program
        Program as the file states it.
    conditions
        Value of conditions that one run gave; they become guards.

    Raises
    ------
    Unusable
        If what is written out would be too large.
    """
    known = dict(conditions or {})
    while True:
        program.nodes = pruned(program.nodes, [*program.outputs, *program.guards])
        take_constants(program)
        compute_constants(program)
        write_out_fused(program)
        put_time_first(program)
        compute_constants(program)
        if len(program.nodes) > MOST_NODES:
            raise Unusable(f"over {MOST_NODES:,} operations")
        if not open_one(program, known):
            return _without_identities(program)


def open_conditions(program: Program) -> list[str]:
    """List the values that decide which layers run: conditions of branches, and numbers of rounds."""
    holding = [node for node in program.nodes if node.op_type in ("If", "Loop") and _holds_layers(node)]
    return [name for node in holding for name in node.input[: 1 if node.op_type == "If" else 2] if name]


def _holds_layers(node: Any) -> bool:
    inner = [one for graph in inner_graphs(node) for one in graph.node]
    return any(one.op_type in LAYERS or _holds_layers(one) for one in inner)


def _without_identities(program: Program) -> Program:
    """Let readers of a copy read what it is a copy of."""
    names: dict[str, str] = {}
    kept = []
    for node in program.nodes:
        rename(node, names)
        passes = node.op_type == "Identity" or _is_idle_dropout(node)
        if passes and node.output[0] not in (*program.outputs, *program.guards):
            names[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    program.nodes = kept
    return program


def _is_idle_dropout(node: Any) -> bool:
    return node.op_type == "Dropout" and len(node.input) < 3 and not any(node.output[1:])

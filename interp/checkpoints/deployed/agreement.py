"""Our own reading of an ONNX graph, held against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.deployed.program import Program, attributes, inner_graphs, read_program
from interp.checkpoints.deployed.trying import apart, largest_difference, try_out
from interp.types import Dataset


@torch.no_grad()
def is_read_otherwise(path: Path, network: nn.Module, data: Dataset | None) -> bool:
    """Tell whether a network gives other outputs than ONNX Runtime on two samples, as the file states them.

    Parameters
    ----------
    path
        ONNX file of one input and one output.
    network
        Network as it was read from the operations that the file lists.
    data
        Data whose first two samples are taken; None for drawn samples of the shapes that the file states.

    Returns
    -------
    bool
        False also where ONNX Runtime, or the network, takes no such samples: then nothing is shown.
    """
    try:
        program = read_program(path)
        tried = next((one for one in try_out(program, data, path) if one.is_sound), None)
        found = None if tried is None else network(torch.from_numpy(tried.values[0]))
    except Exception:  # onnx, ONNX Runtime and any network have exceptions of their own; whoever runs them next tells
        return False
    if tried is None or not isinstance(found, Tensor):
        return False
    (output,) = program.outputs
    expected = np.concatenate([one[output].reshape(-1) for one in tried.outputs])
    return apart(found.numpy().reshape(-1), expected) > largest_difference(_kinds(program))


def _kinds(program: Program) -> list[int]:
    """List the types that a file states: of its inputs, of what it stores and of what it casts to."""
    stored = [one.data_type for one in program.constants.values()]
    return [*(one.kind for one in program.inputs), *stored, *_cast_to(program.nodes)]


def _cast_to(nodes: Any) -> list[int]:
    """List the types that nodes cast to, those of inner graphs too."""
    found = [attributes(node).get("to", 0) for node in nodes if node.op_type == "Cast"]
    return found + [kind for node in nodes for graph in inner_graphs(node) for kind in _cast_to(graph.node)]

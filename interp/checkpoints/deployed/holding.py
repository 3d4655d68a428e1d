"""A network of modules and pieces, held against ONNX Runtime one step after the other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from interp.checkpoints.deployed.examples import SAMPLES, feed
from interp.checkpoints.deployed.network import Deployed, run_step
from interp.checkpoints.deployed.packages import session
from interp.checkpoints.deployed.pieces import Rows, rows_of
from interp.checkpoints.deployed.program import Program, model_of
from interp.checkpoints.deployed.trying import apart
from interp.types import Array


@torch.no_grad()
def difference_of_steps(network: Deployed, program: Program, values: Sequence[Array]) -> float:
    """Give the largest difference of what one step makes of ONNX Runtime's own values, relative to 1 + the largest.

    Where values are rounded to eight bits, the last digit of a sum can move one by a whole step, which later steps
    carry on: outputs then differ by far more than any step does.

    Parameters
    ----------
    network
        Network made of a graph.
    program
        Graph with all values that the network's steps read and make.
    values
        Samples of each input.
    """
    inputs = {one.name: one.kind for one in program.inputs}
    names = sorted({name for _, read, made in network.reads for name in (*read, *made)} - inputs.keys())
    whole = session(model_of(program, program.nodes, inputs, names))
    parts = [slice(at, at + 1) for at in range(SAMPLES)] if network.one_by_one else [slice(0, SAMPLES)]
    known: dict[str, list[Array]] = {name: [] for name in (*inputs, *names)}
    for part in parts:
        given = feed(program.inputs, values, part)
        for name, value in {**given, **dict(zip(names, whole.run(None, given), strict=True))}.items():
            known[name].append(value)
    rows = {name: rows_of(each, network.one_by_one) for name, each in known.items()}
    worst = 0.0
    for name, read, made in network.reads:
        found: list[Rows] = run_step(network.get_submodule(name), [rows[value] for value in read])
        for value, one in zip(made, found, strict=True):
            worst = max(worst, apart(_numbers(one.joined), _numbers(rows[value].joined)))
    return worst


def _numbers(values: Tensor) -> Array:
    return values.float().numpy()

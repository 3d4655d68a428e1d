"""File -> network that is held against ONNX Runtime on two samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from interp.checkpoints.deployed.cutting import cut, needed
from interp.checkpoints.deployed.examples import feed, is_turned
from interp.checkpoints.deployed.folding.constants import run_once
from interp.checkpoints.deployed.folding.folded import folded, open_conditions
from interp.checkpoints.deployed.folding.integers import with_floats, with_rounded_values
from interp.checkpoints.deployed.folding.padding import put_padding_apart
from interp.checkpoints.deployed.holding import difference_of_steps
from interp.checkpoints.deployed.left import layers_left
from interp.checkpoints.deployed.modules.planned import planned, stored_numbers
from interp.checkpoints.deployed.modules.recurrent import recurrent_nodes
from interp.checkpoints.deployed.network import FLOATS, Deployed, Placed
from interp.checkpoints.deployed.packages import session
from interp.checkpoints.deployed.pieces import Piece
from interp.checkpoints.deployed.program import Program, Unusable, model_of, operations, read_program
from interp.checkpoints.deployed.trying import Tried, difference, largest_difference, try_out
from interp.errors import CheckpointError, InterpError, first_line
from interp.types import Array, Dataset

KINDS = {
    "tensor(float)": 1, "tensor(uint8)": 2, "tensor(int8)": 3, "tensor(uint16)": 4, "tensor(int16)": 5,
    "tensor(int32)": 6, "tensor(int64)": 7, "tensor(bool)": 9, "tensor(float16)": 10, "tensor(double)": 11,
    "tensor(uint32)": 12, "tensor(uint64)": 13, "tensor(bfloat16)": 16,
}  # fmt: skip
"""Type as ONNX Runtime names it -> TensorProto.DataType."""

WITHOUT_NODES = {
    "TreeEnsemble": "decision trees",
    "ConvInteger": "layers of whole numbers, scaled anew for each input",
    "MatMulInteger": "layers of whole numbers, scaled anew for each input",
    "QLinear": "layers of whole numbers",
}
"""Part of an operation's name -> what a graph is that has such operations and no layers of floats."""

OF_ALL_SAMPLES = {"DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul"}
"""Operations that take the range of their values over all samples of a batch; samples are run alone."""

ROUNDING = {"QuantizeLinear", *OF_ALL_SAMPLES}
"""Operations that round values to eight bits."""

MOST_OPENED = 32  # largest depth of conditions within conditions


class Opened(NamedTuple):
    """A network made of an ONNX file.

    Attributes
    ----------
    network
        Network that takes samples as the file states them, without the axis of the batch.
    pieces
        Number of pieces that ONNX Runtime runs.
    difference
        Largest difference to ONNX Runtime's outputs on two samples.
    of_steps
        Largest difference of what one step makes of ONNX Runtime's own values, where values are rounded to eight bits
        and outputs differ by more than rounding in 32 bits explains; None elsewhere.
    left
        Name of each layer that ONNX Runtime runs, so that it has no nodes -> the reason.
    """

    network: Deployed
    pieces: int
    difference: float
    of_steps: float | None
    left: Mapping[str, str]


def open_deployed(path: Path, data: Dataset | None) -> Opened:
    """Open an ONNX file whose operations are not all ours.

    Parameters
    ----------
    path
        ONNX file.
    data
        Data whose first two samples it is tried on; None for drawn samples of the shapes that the file states.

    Raises
    ------
    CheckpointError
        If ONNX Runtime does not run it, or the network made of it gives other outputs.
    """
    try:
        return _opened(path, data)
    except InterpError:
        raise
    except Unusable as error:
        raise CheckpointError(
            path,
            found=f"a graph with {error}",
            expected="inputs and outputs that are tensors of numbers, and an output of floats, such as scores",
            do="export the network without the steps behind its scores, or pass your own class with --model",
        ) from error
    except Exception as error:  # onnx and ONNX Runtime have an exception for each way to fail
        raise CheckpointError(
            path,
            found=f"a graph that ONNX Runtime does not run here ({first_line(error, 200)})",
            expected="a graph of its operators whose inputs and outputs are tensors, and data of its shape",
            do="check the data, or pass your own class with --model",
        ) from error


def _opened(path: Path, data: Dataset | None) -> Opened:
    """Try one shape after the other, first those for which every output of ONNX Runtime is a number."""
    program = folded(read_program(path))
    problem: Exception | None = None
    tried = list(try_out(program, data, path))
    for one in sorted(tried, key=lambda each: not each.is_sound):
        try:
            fresh = replace(program, nodes=list(program.nodes), constants=dict(program.constants))
            return _cut(fresh, one, path, is_turned(one.values[0].shape[1:], data))
        except CheckpointError as error:
            problem = problem or error
    raise problem or Unusable(f"inputs of other shapes than {'; '.join(f'{x.name} {x.sizes}' for x in program.inputs)}")


def _cut(program: Program, tried: Tried, path: Path, turned: bool) -> Opened:
    """Make a network of a program, and hold it against ONNX Runtime."""
    values, expected = tried
    first = feed(program.inputs, values, slice(0, 1))
    stated = with_rounded_values(with_open_conditions(program, first))
    kinds, shapes = _typed(stated, first)
    padded = put_padding_apart(stated, shapes)
    program = with_floats(stated)
    if padded or [*map(id, program.nodes)] != [*map(id, stated.nodes)]:
        kinds, shapes = _typed(program, first)
    outputs = [name for name in program.outputs if kinds.get(name) in FLOATS and name not in program.constants]
    if not outputs:
        raise Unusable(f"no output of floats: {', '.join(program.outputs)}"[:200])
    stored = stored_numbers(program)
    cells, known = recurrent_nodes(program, stored)
    modules = planned(program, {name: len(shape) for name, shape in shapes.items()}, stored) | cells
    steps = cut(program, modules, kinds)
    whole = [one.node for one in needed(program, modules) if one.module is None]
    left = layers_left(program, whole, stored, known)
    _check_layers(steps, program, left, path)
    most = largest_difference(kinds.values())
    reference = {name: np.stack([one[name].reshape(-1) for one in expected]) for name in outputs}
    kept = operations(stated.nodes)
    differences = []
    sizes = values[0].shape[1:]
    shape = (sizes[-1], *sizes[:-1]) if turned else sizes
    for one_by_one in (False, True):
        if not one_by_one and (kept & OF_ALL_SAMPLES or not _may_batch(program, values)):
            continue
        network = Deployed(steps, program.inputs, outputs, program.guards, shape, one_by_one, turned).eval()
        differences.append(difference(network, values, reference))
        carried = most < differences[-1] < float("inf") and kept & ROUNDING
        of_steps = difference_of_steps(network, stated, values) if carried else None
        if differences[-1] <= most or (of_steps is not None and of_steps <= most):
            pieces = sum(isinstance(step.module, Piece) for step in steps)
            return Opened(network, pieces, differences[-1], of_steps, left)
    raise CheckpointError(
        path,
        found=f"outputs that differ from ONNX Runtime's by {differences[-1]:.2g}",
        expected=f"at most {most:g} of their size",
        do="pass your own class with --model, and tell us of the file",
    )


def _check_layers(steps: Sequence[Placed], program: Program, left: Mapping[str, str], path: Path) -> None:
    """Refuse a graph in which nothing is a layer of floats, and say what it is made of."""
    own = [step.module for step in steps if not isinstance(step.module, Piece)]
    if any(tensor.dim() > 1 for module in own for tensor in (*module.parameters(), *module.buffers())):
        return
    kinds = Counter(node.op_type for node in program.nodes)
    odd = next((words for kind, words in WITHOUT_NODES.items() if any(kind in name for name in kinds)), "")
    first = next((f"layers that have no nodes here ({why})" for why in left.values()), "")
    made_of = ", ".join(kind for kind, _ in kinds.most_common(3))
    raise CheckpointError(
        path,
        found=f"a graph of {first}" if first and not odd else f"a graph of {odd or 'no layer'} ({made_of})",
        expected="dense layers or convolutions with stored weights of floats",
        do="give the network before it was converted, where it has some",
    )


def with_open_conditions(program: Program, first: Mapping[str, Array]) -> Program:
    """Take the branches that one sample takes, where layers are in them.

    Parameters
    ----------
    program
        Graph whose constants are folded.
    first
        Inputs of one sample, as onnxruntime takes them.

    Returns
    -------
    Program
        Graph without these conditions; what they were is held by its guards.
    """
    for _ in range(MOST_OPENED):
        asked = [name for name in open_conditions(program) if name not in program.constants]
        if not asked:
            break
        before = len(program.guards)
        program = folded(program, run_once(program, program.nodes, first, asked))
        if len(program.guards) == before:
            break
    return program


def _typed(program: Program, given: Mapping[str, Array]) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
    """Run the graph once with every value as an output: types and shapes."""
    names = [name for node in program.nodes for name in node.output if name]
    inputs = {one.name: one.kind for one in program.inputs}
    every = session(model_of(program, program.nodes, inputs, names))
    said = {one.name.removesuffix("__out"): KINDS.get(one.type, 0) for one in every.get_outputs()}
    values = every.run(None, dict(given))
    shapes = {name: value.shape for name, value in zip(names, values, strict=True) if isinstance(value, np.ndarray)}
    shapes |= {name: value.shape for name, value in given.items()}
    return {**inputs, **{name: kind for name, kind in said.items() if kind}}, shapes


def _may_batch(program: Program, values: Sequence[Array]) -> bool:
    """Whether the file leaves the first axis of every input open, and samples lack that axis alone."""
    return all(
        one.sizes is not None and len(one.sizes) == value.ndim and one.sizes[0] is None
        for one, value in zip(program.inputs, values, strict=True)
    )

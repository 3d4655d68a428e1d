"""ONNX's LSTM, GRU and RNN -> cells that run a time step at a time, so that every gate is a layer of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from interp.checkpoints.deployed.modules.planned import Planned
from interp.checkpoints.deployed.pieces import Rows
from interp.checkpoints.deployed.program import Program, attributes, first_of
from interp.checkpoints.formats.onnx.nodes import short_name
from interp.checkpoints.graph.steps import layer_name
from interp.checkpoints.graph.values import Stored
from interp.errors import DataError
from interp.network.recurrent.cells import STATES, State, Weights, cell_of
from interp.network.recurrent.running import RunsCells

ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Operation -> place in ONNX's tensors of each gate in torch's order."""

WAYS = {"forward": ("",), "reverse": ("_reverse",), "bidirectional": ("", "_reverse")}
"""Attribute ``direction`` -> ends of the names of the cells."""

INPUTS = ("x", "W", "R", "B", "lengths", "h", "c", "P")
"""Meaning of the operation's inputs, in order."""

GIVEN = ("x", "lengths", "h", "c")
"""Inputs that may be computed."""


@dataclass(frozen=True)
class Setting:
    """What a recurrent operation computes.

    Attributes
    ----------
    cells
        Kind of each direction's cell, a key of `interp.network.recurrent.cells.STEPS`.
    ways
        Name of each direction's cell.
    outputs
        Number of outputs that the operation states: outputs of all steps, last h, last c.
    """

    cells: tuple[str, ...]
    ways: tuple[str, ...]
    outputs: int


class Recurrent(nn.Module, RunsCells):
    """ONNX's LSTM, GRU or RNN over all samples at once, a time step at a time.

    Parameters
    ----------
    setting
        Kinds and names of its cells.
    weights
        Weights of each direction.
    given
        Names out of `GIVEN` of what it is called with, in order.
    constants
        Values of others out of `GIVEN` that the file states.
    """

    def __init__(
        self, setting: Setting, weights: Sequence[Weights], given: Sequence[str], constants: Mapping[str, Tensor]
    ) -> None:
        super().__init__()
        self.ways, self.given, self.stated = setting.ways, tuple(given), tuple(constants)
        self.states, self.outputs = STATES.get(setting.cells[0], 1), setting.outputs
        for way, kind, own in zip(setting.ways, setting.cells, weights, strict=True):
            self.add_module(way, cell_of(kind, own, way.endswith("_reverse")))
        for name, tensor in constants.items():
            self.register_buffer(f"stated_{name}", tensor, persistent=False)

    def name_layer(self, other: Recurrent) -> None:
        """Hold the cells of a later layer too, without running them: they are called as in torch, ``rnn.l1``."""
        for way in other.ways:
            self.add_module(way, other.get_submodule(way))

    def forward(self, *values: Rows) -> list[Rows]:
        """Give outputs of all steps (T, directions, B, H), and the last states (directions, B, H) each."""
        apart = values[0].sizes
        known = {name: _joined(value, name) for name, value in zip(self.given, values, strict=True)}
        x = known["x"].transpose(0, 1)
        known |= {name: self._stated(name, len(x)) for name in self.stated}
        found = self._run(x, known)[: self.outputs]
        return [Rows(one, None) if apart is None else _apart(one, len(apart)) for one in found]

    def _stated(self, name: str, samples: int) -> Tensor:
        """Give a constant for each sample: the file states it for the samples of one run."""
        tensor: Tensor = self.get_buffer(f"stated_{name}")
        axis = tensor.dim() - (1 if name == "lengths" else 2)
        repeats = [1] * tensor.dim()
        repeats[axis] = samples // max(tensor.shape[axis], 1)
        return tensor.repeat(repeats)

    def _run(self, x: Tensor, known: Mapping[str, Tensor]) -> list[Tensor]:
        lengths = known.get("lengths")
        alive = None if lengths is None else torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        outputs, last = [], []
        for at, way in enumerate(self.ways):
            cell = self.get_submodule(way)
            made, state = self.run_cell(cell, x, self._first(known, at, x, cell), alive)
            outputs.append(made if alive is None else made * alive[..., None].to(made))
            last.append(state)
        return [torch.stack(outputs, 1).permute(2, 1, 0, 3), *(torch.stack(one) for one in zip(*last, strict=True))]

    def _first(self, known: Mapping[str, Tensor], at: int, x: Tensor, cell: nn.Module) -> State:
        """Give the state before the first step: zeros unless it is told."""
        gate: Any = next(cell.children())
        names = ("h", "c")[: self.states]
        return tuple(known[one][at] if one in known else x.new_zeros(len(x), len(gate.weight)) for one in names)


def _joined(value: Rows, name: str) -> Tensor:
    """Put the samples of a value side by side on the axis that the operation has them on."""
    parts = value.parts()
    if len({part.shape for part in parts}) > 1:
        raise DataError(
            "ONNX graph",
            found=f"sequences of shapes {tuple(parts[0].shape)} and others in different samples",
            expected="one length for all samples",
            do="give samples of one length, padded",
        )
    joined = torch.cat(parts, 0 if name == "lengths" else 1) if len(parts) > 1 else parts[0]
    return joined if name == "lengths" else joined.float()


def _apart(values: Tensor, samples: int) -> Rows:
    """Put values whose samples are on the last axis but one, one sample after the other on axis 0."""
    parts = values.chunk(samples, values.dim() - 2)
    return Rows(torch.cat(parts), (len(values),) * samples)


# --------------------------------------------------------------------------- node -> module


def recurrent_nodes(program: Program, stored: Mapping[str, Stored]) -> tuple[dict[str, Planned], dict[str, str]]:
    """Make modules of the recurrent operations that are ours.

    Parameters
    ----------
    program
        Program with its constants computed.
    stored
        Constants of numbers by name.

    Returns
    -------
    modules
        Name of the first value that an operation makes -> its module.
    left
        Name of the first value of any other recurrent operation -> reason why it is not ours.
    """
    made, left = {}, {}
    layers: dict[str, dict[str, Recurrent]] = {}
    for node in program.nodes:
        if not node.op_type.endswith(tuple(ORDERS)):
            continue
        first = first_of(node.output)
        named = _name(node, first)
        known = layers.setdefault(named, {})  # by name of the weights, which one that is called twice shares
        found = _module(node, stored, [*known, node.input[1]].index(node.input[1]))
        if isinstance(found, str):
            left[first] = found
            continue
        module, inputs = found
        made[first] = Planned(inputs, tuple(node.output), None, named, module)
        if known and node.input[1] not in known:
            next(iter(known.values())).name_layer(module)
        known.setdefault(node.input[1], module)
    return made, left


def _name(node: Any, first: str) -> str:
    """Name an operation by its scope, its own name, or its weights."""
    scope = [part for part in node.name.split("/")[:-1] if part]
    own = ".".join(scope) or node.name or first
    return short_name(layer_name(node.input[1], own.strip("/")))


def _module(node: Any, stored: Mapping[str, Stored], layer: int) -> tuple[Recurrent, tuple[str, ...]] | str:
    """Build the operation of a layer and list the values that it reads; a reason where it is not ours."""
    if node.op_type not in ORDERS or node.domain not in ("", "ai.onnx"):
        return f"an operator of {node.domain or 'a kind of its own'}"
    names = dict(zip(INPUTS, node.input, strict=False))
    tensors = {key: stored[name].tensor.float() for key, name in names.items() if name in stored}
    computed = [key for key, name in names.items() if name and key not in tensors]
    said = attributes(node)
    problem = _problem(said, tensors, computed)
    if problem:
        return problem
    ways = tuple(f"l{layer}{end}" for end in WAYS[_text(said.get("direction", "forward"))])
    cells = _cells(node.op_type, said, len(ways))
    if isinstance(cells, str):
        return cells
    weights = [_weights(node.op_type, tensors, at) for at in range(len(ways))]
    constants = {key: tensors[key] for key in GIVEN[1:] if key in tensors}
    module = Recurrent(Setting(cells, ways, len(node.output)), weights, computed, constants)
    return module.eval().requires_grad_(False), tuple(names[key] for key in computed)


def _problem(said: Mapping[str, Any], tensors: Mapping[str, Tensor], computed: Sequence[str]) -> str:
    """Say what of an operation is not ours; nothing where all is."""
    if "W" not in tensors or "R" not in tensors or set(computed) - set(GIVEN):
        return "weights that are computed"
    if "x" not in computed:
        return "inputs that are stored"
    if said.get("clip"):
        return f"values clipped at {said['clip']:g}"
    if said.get("input_forget"):
        return "input and forget gates in one"
    return "peepholes" if bool(tensors.get("P", torch.zeros(1)).any()) else ""


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _cells(kind: str, said: Mapping[str, Any], ways: int) -> tuple[str, ...] | str:
    """Name the cell of each direction; a reason where its functions are others than torch's."""
    functions = [_text(one).lower() for one in said.get("activations", [])]
    usual = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}[kind]
    each = [functions[at * len(usual) : (at + 1) * len(usual)] or usual for at in range(ways)]
    if kind == "RNN" and all(own in (["tanh"], ["relu"]) for own in each):
        return tuple(f"RNN_{own[0].upper()}" for own in each)
    if any(own != usual for own in each):
        return f"functions {', '.join(functions)}"
    if kind == "GRU" and not said.get("linear_before_reset"):
        return ("GRU_RESET_FIRST",) * ways
    return (kind,) * ways


def _weights(kind: str, tensors: Mapping[str, Tensor], at: int) -> Weights:
    """Put the gates of one direction in torch's order."""
    order = ORDERS[kind]

    def ordered(tensor: Tensor) -> Tensor:
        gates = tensor.chunk(len(order))
        return torch.cat([gates[place] for place in order])

    both = tensors["B"][at].chunk(2) if "B" in tensors else None
    biases = (None, None) if both is None else tuple(map(ordered, both))
    return Weights(ordered(tensors["W"][at]), ordered(tensors["R"][at]), *biases)

"""Program -> steps of a network: modules, and between them as few pieces as can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import nn

from interp.checkpoints.deployed.modules.planned import Planned
from interp.checkpoints.deployed.network import Placed
from interp.checkpoints.deployed.pieces import Piece
from interp.checkpoints.deployed.program import Program, Unusable, first_of, model_of, pruned, reads
from interp.network.chain import usable_names

OWN = ("reads", "inputs", "outputs", "guards", "sample_shape", "one_by_one", "channels_last", "argument_names")
"""Attributes of a `Deployed` network, which no module may be named as."""


def cut(program: Program, modules: Mapping[str, Planned], kinds: Mapping[str, int]) -> list[Placed]:
    """Cut a program at its modules.

    A piece holds all nodes that come after equally many changes from modules to nodes, so that no piece waits for
    itself.

    Parameters
    ----------
    program
        Program with its constants computed.
    modules
        Name of a value -> the module that makes it.
    kinds
        Name of a value -> its type, as TensorProto.DataType numbers them.
    """
    kept = needed(program, modules)
    levels = _levels(kept, modules)
    named = _names(kept)
    placed: list[Placed] = []
    for level in range(max(levels.values(), default=0) + 1):
        here = [one for one in kept if levels[first_of(one.outputs)] == level]
        nodes = [one.node for one in here if one.module is None]
        if nodes:
            placed += _piece(program, nodes, kept, kinds, level)
        placed += [
            Placed(named[first_of(one.outputs)], one.module, one.inputs, one.outputs)
            for one in here
            if one.module is not None
        ]
    return placed


def needed(program: Program, modules: Mapping[str, Planned]) -> list[Planned]:
    """List what the outputs depend on, modules in place of the nodes that they stand for.

    Parameters
    ----------
    program
        Program with its constants computed.
    modules
        Name of a value -> the module that makes it.

    Returns
    -------
    list of Planned
        Modules, and nodes that ONNX Runtime runs, in running order.
    """
    every = [
        modules.get(first_of(node.output)) or Planned(_read(program, node), tuple(node.output), node)
        for node in program.nodes
    ]
    wanted, kept = {*program.outputs, *program.guards}, []
    for one in reversed(every):
        if wanted & set(one.outputs):
            kept.append(one)
            wanted |= set(one.inputs)
    return kept[::-1]


def _read(program: Program, node: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in reads(node) if name not in program.constants))


def _levels(kept: Sequence[Planned], modules: Mapping[str, Planned]) -> dict[str, int]:
    """Count how often the way to each value changes from modules to nodes."""
    of_value: dict[str, int] = {}
    found = {}
    by_modules = {value for one in modules.values() for value in one.outputs}
    for one in kept:
        level = 0
        for value in one.inputs:
            changes = one.module is None and value in by_modules
            level = max(level, of_value.get(value, 0) + int(changes))
        found[first_of(one.outputs)] = level
        of_value |= dict.fromkeys(one.outputs, level)
    return found


def _names(kept: Sequence[Planned]) -> dict[str, str]:
    """Give modules names that torch accepts."""
    own = [one for one in kept if one.module is not None]
    named = usable_names([(one.name, nn.Identity()) for one in own])
    taken = {name for name, _ in named}
    return {first_of(one.outputs): _free(name, taken) for one, (name, _) in zip(own, named, strict=True)}


def _free(name: str, taken: Collection[str]) -> str:
    """Change a name that begins as an attribute of the network does."""
    while name.partition(".")[0] in OWN or (name in taken and name.startswith("onnxruntime_")):
        name = f"layer_{name}"
    return name


def _piece(
    program: Program, nodes: Sequence[Any], kept: Sequence[Planned], kinds: Mapping[str, int], level: int
) -> list[Placed]:
    """Make a module of some nodes."""
    made = {name for node in nodes for name in node.output if name}
    inside = {id(node) for node in nodes}
    outside = {name for one in kept if one.node is None or id(one.node) not in inside for name in one.inputs}
    outputs = [name for name in sorted(made) if name in outside or name in program.outputs or name in program.guards]
    inputs = list(dict.fromkeys(name for node in nodes for name in _read(program, node) if name not in made))
    unknown = [name for name in inputs if name not in kinds]
    if unknown:
        raise Unusable(f"a value {unknown[0][:100]} of no known type")
    model = model_of(program, pruned(nodes, outputs), {name: kinds[name] for name in inputs}, outputs)
    return [Placed(f"onnxruntime_{level}", Piece(model), tuple(inputs), tuple(outputs))]

"""ONNX file -> program: nodes in running order, constants, inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.formats.onnx.tensors import Beside

FLOAT = 1
"""TensorProto.DataType of float32."""

EXTERNAL = 1


class Unusable(Exception):
    """A graph that cannot be cut into pieces, with the reason."""


@dataclass(frozen=True)
class Input:
    """One input of a graph.

    Attributes
    ----------
    name
        Name of the value.
    kind
        Type of its values, as TensorProto.DataType numbers them.
    sizes
        Length of each axis, None where the file leaves it open; None for all where it states no shape.
    """

    name: str
    kind: int
    sizes: tuple[int | None, ...] | None


@dataclass
class Program:
    """A graph whose nodes are in running order.

    Attributes
    ----------
    nodes
        Operations (NodeProto).
    constants
        Name of a value -> its tensor (TensorProto).
    inputs
        Inputs that are no constants.
    outputs
        Names of the outputs.
    opsets
        Versions of the operators (OperatorSetIdProto).
    guards
        Name of a condition -> the value under which the program was made, and which every run has to have.
    """

    nodes: list[Any]
    constants: dict[str, Any]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    opsets: tuple[Any, ...]
    guards: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """Version of the standard operators."""
        return next((int(one.version) for one in self.opsets if one.domain in ("", "ai.onnx")), 1)


def read_program(path: Path) -> Program:
    """Read a file, with weights beside it from its own folder alone, and write its functions out.

    Raises
    ------
    Unusable
        If its inputs or outputs are no tensors, or tensors of text.
    """
    found = installed()
    model = found.onnx.load_model_from_string(path.read_bytes())
    _fill_in(model.graph, Beside(path.parent))
    if model.functions:
        model = found.onnx.inliner.inline_local_functions(model)
    graph = model.graph
    constants = {one.name: one for one in graph.initializer}
    inputs = tuple(_input(one) for one in graph.input if one.name not in constants)
    outputs = tuple(one.name for one in graph.output)
    return Program(list(graph.node), constants, inputs, outputs, tuple(model.opset_import))


def _input(value: Any) -> Input:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or tensor.elem_type in (0, 8):
        raise Unusable(f"an input {value.name} that is no tensor of numbers")
    if not tensor.HasField("shape"):
        return Input(value.name, tensor.elem_type, None)
    sizes = tuple(axis.dim_value if axis.dim_value > 0 else None for axis in tensor.shape.dim)
    return Input(value.name, tensor.elem_type, sizes)


def _fill_in(graph: Any, beside: Beside) -> None:
    """Put tensors that lie in other files into the model."""
    for tensor in _tensors(graph):
        if tensor.data_location == EXTERNAL:
            said = {entry.key: entry.value for entry in tensor.external_data}
            known = {key: said[key] for key in ("location", "offset", "length") if key in said}
            tensor.raw_data = beside.read(**{"location": "", **known})
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from [attribute.t, *attribute.tensors]
            for inner in inner_graphs_of(attribute):
                yield from _tensors(inner)


def inner_graphs_of(attribute: Any) -> list[Any]:
    """List the graphs that an attribute holds."""
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def inner_graphs(node: Any) -> list[Any]:
    """List the graphs that a node holds, such as the branches of an `If`."""
    return [graph for attribute in node.attribute for graph in inner_graphs_of(attribute)]


def operations(nodes: Iterable[Any]) -> set[str]:
    """List the kinds of operations among nodes, and among those of the graphs that they hold."""
    nodes = list(nodes)
    inner = [one for node in nodes for graph in inner_graphs(node) for one in graph.node]
    return {node.op_type for node in nodes} | (operations(inner) if inner else set())


def attributes(node: Any) -> dict[str, Any]:
    """Give the attributes of a node (NodeProto) by their names: numbers, bytes, tensors, graphs, and lists of them."""
    found = installed()
    values = {one.name: found.onnx.helper.get_attribute_value(one) for one in node.attribute}
    return {
        name: list(value) if not isinstance(value, (int, float, bytes, str)) else value
        for name, value in values.items()
    }


def first_of(names: Sequence[str]) -> str:
    """Give the first name that is not left out."""
    return next(name for name in names if name)


def reads(node: Any) -> list[str]:
    """List the values that a node reads, those that its inner graphs take from outside included."""
    found = [name for name in node.input if name]
    for graph in inner_graphs(node):
        found += outer_names(graph)
    return found


def outer_names(graph: Any) -> list[str]:
    """List the values that a graph takes from outside."""
    own = {one.name for one in (*graph.input, *graph.initializer)}
    found: list[str] = []
    for node in graph.node:
        found += [name for name in reads(node) if name not in own]
        own |= set(node.output)
    return found + [one.name for one in graph.output if one.name not in own]


def pruned(nodes: Sequence[Any], wanted: Sequence[str]) -> list[Any]:
    """Keep the nodes that some values depend on."""
    needed, kept = set(wanted), []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(reads(node))
    return kept[::-1]


def model_of(program: Program, nodes: Sequence[Any], inputs: Mapping[str, int], outputs: Sequence[str]) -> bytes:
    """Write some nodes of a program as a model of its own.

    Parameters
    ----------
    program
        Program that the nodes are of; its constants are taken along where they are read.
    nodes
        Nodes in running order.
    inputs
        Name of an input -> type of its values.
    outputs
        Names of the values that the model gives, in order.
    """
    found = installed()
    onnx, made = found.onnx, {name for node in nodes for name in node.output}
    used = {name for node in nodes for name in reads(node)} | {*outputs}
    extra = [onnx.helper.make_node("Identity", [name], [f"{name}__out"]) for name in outputs if name not in made]
    graph = onnx.GraphProto(name="piece")
    graph.node.extend([*nodes, *extra])
    graph.initializer.extend(program.constants[name] for name in sorted(used & program.constants.keys() - made))
    graph.input.extend(onnx.helper.make_tensor_value_info(name, kind, None) for name, kind in inputs.items())
    graph.output.extend(onnx.ValueInfoProto(name=name if name in made else f"{name}__out") for name in outputs)
    model = onnx.ModelProto(ir_version=10, graph=graph)
    model.opset_import.extend(program.opsets)
    written: bytes = model.SerializeToString()
    return written

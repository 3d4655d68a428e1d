"""Programs saved by `torch.export.save`: a zip of the graph in JSON and of weights, read without torch's own loader.

That loader unpickles with full power. Here a graph is JSON, weights are raw bytes or what weights_only reads, and
only operations that `aten` lists are followed. Three layouts have been written: a flat zip up to torch 2.7
(``serialized_exported_program.json``, ``serialized_state_dict.pt``), then an archive with ``models/*.json`` and
``data/weights/*.pt``, since replaced by one file a tensor beside ``data/weights/*_weights_config.json``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.glance import LARGEST_RATIO
from interp.checkpoints.graph.program import Program
from interp.checkpoints.graph.steps import Graph, UnknownOperation
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored
from interp.errors import CheckpointError, first_line
from interp.network.branches import INPUT
from interp.safety import load_weights

DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16, 7: torch.float32,
    8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""Codes of torch/_export/serde/schema.py, ScalarType."""

PROGRAMS = ("serialized_exported_program.json", "/models/")
NAME_KEYS = ("parameter_name", "buffer_name", "tensor_constant_name")
NAMED_ONLY = {
    "alpha", "beta", "dtype", "layout", "device", "pin_memory", "memory_format", "approximate", "rounding_mode",
}  # fmt: skip
"""Arguments that torch's schemas take by name alone; all others stand in the schema's order."""


def read_export(path: Path, allow_pickle: bool = False) -> Contents:
    """Read an exported program's weights, and its graph where it is one of listed operations.

    Raises
    ------
    CheckpointError
        If it is damaged, holds several programs, or pickles what weights alone do not need.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.partition("/")[2] if "/" in name else name: name for name in archive.namelist()}
            program = json.loads(archive.read(_program(archive.namelist(), path)))
            state = dict(_tensors(archive, members, "serialized_state_dict.", "data/weights"))
            constants = dict(_tensors(archive, members, "serialized_constants.", "data/constants"))
        graph, problem = _graph(program["graph_module"], {**constants, **state})
    except CheckpointError:
        raise
    except Exception as error:  # damage shows as whatever the next field was taken for
        raise CheckpointError(
            path,
            found=f"a torch.export program that does not open ({first_line(error)})",
            expected="one written by torch.export.save",
            do="load it with torch.export.load and save its state_dict",
        ) from error
    return Contents(state, graph=graph, graph_problem=problem, notes=("a torch.export program",))


def _program(names: list[str], path: Path) -> str:
    found = [name for name in names if name == PROGRAMS[0] or (PROGRAMS[1] in name and name.endswith(".json"))]
    if len(found) != 1:
        raise CheckpointError(
            path,
            found=f"{len(found)} exported programs in one file",
            expected="one",
            do="save one with torch.export.save (compiled packages hold no graph)",
        )
    return found[0]


def _tensors(
    archive: zipfile.ZipFile, members: Mapping[str, str], flat: str, folder: str
) -> Iterator[tuple[str, Tensor]]:
    """Yield tensors by name, from the file of a flat zip or from a folder of an archive.

    A member that several tensors name is read once, so that they share its memory, as is checked of all formats.
    """
    raw = cache(lambda name: bytearray(archive.read(name)))
    pickled = cache(lambda name: _weights_only(archive.read(name)))
    for short, name in members.items():
        place, _, own = short.rpartition("/")
        if name.startswith(flat) or (place == folder and own.endswith(".pt")):
            yield from _pickled(archive.read(name)).items()
        elif place == folder and own.endswith("_config.json"):
            root = name.removesuffix(own)
            for tensor, entry in json.loads(archive.read(name))["config"].items():
                if entry["tensor_meta"] is not None:
                    read = pickled if entry["use_pickle"] else raw
                    yield tensor, _tensor(read(root + entry["path_name"]), entry)


def _pickled(content: bytes) -> dict[str, Tensor]:
    loaded = _weights_only(content)
    return {str(name): Tensor.detach(value) for name, value in loaded.items() if isinstance(value, Tensor)}


def _weights_only(content: bytes) -> Any:
    """Load what `torch.save` wrote, refusing what unpacks to far more."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            declared = sum(member.file_size for member in inner.infolist())
        if declared > LARGEST_RATIO * len(content):
            raise ValueError(f"an inner zip that unpacks to {declared:,} bytes")
    return load_weights(io.BytesIO(content))


def _tensor(content: bytearray | Tensor, entry: Mapping[str, Any]) -> Tensor:
    """Lay raw bytes out as an entry says; what was pickled is a tensor by then."""
    if isinstance(content, Tensor):
        return Tensor.detach(content)
    said = entry["tensor_meta"]
    sizes, strides = ([int(size["as_int"]) for size in said[key]] for key in ("sizes", "strides"))
    if 0 in sizes:
        return torch.empty(sizes, dtype=DTYPES[said["dtype"]])
    flat = torch.frombuffer(content, dtype=DTYPES[said["dtype"]])
    if prod(sizes) > len(flat):  # strides of 0 can claim any size
        raise ValueError(f"{prod(sizes):,} values declared of which the file holds {len(flat):,}")
    return flat.as_strided(sizes, strides, int(said["storage_offset"]["as_int"]))


# --------------------------------------------------------------------------- graph


def _graph(module: Mapping[str, Any], state: Mapping[str, Tensor]) -> tuple[Graph | None, str]:
    try:
        values = _inputs(module["signature"], state)
        sizes = _sizes(module["graph"], next(name for name, value in values.items() if value == Ref(INPUT)))
        graph = _followed(module["graph"]["nodes"], values, _output(module["signature"]))
        return replace(graph, sizes=sizes), ""
    except UnknownOperation as error:
        return None, str(error)


def _sizes(graph: Mapping[str, Any], given: str) -> tuple[int | None, ...] | None:
    """Read the lengths of an input's axes; None each where it is open, and where none are stated."""
    said = graph.get("tensor_values", {}).get(given)
    if said is None:
        return None
    axes = [axis.get("as_int") for axis in said["sizes"]]
    return tuple(axis if isinstance(axis, int) and 0 < axis < 1 << 63 else None for axis in axes)


def _output(signature: Mapping[str, Any]) -> str:
    ends = [spec["user_output"]["arg"] for spec in signature["output_specs"] if spec.get("user_output")]
    if len(ends) != 1 or not ends[0].get("as_tensor"):
        raise UnknownOperation(f"{len(ends)} outputs")
    return str(ends[0]["as_tensor"]["name"])


def _inputs(signature: Mapping[str, Any], state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Give what each of the graph's inputs is: a stored tensor, or the one input of the network."""
    values: dict[str, Any] = {}
    for spec in signature["input_specs"]:
        kind, said = next((kind, said) for kind, said in spec.items() if said is not None)
        if kind == "user_input":
            argument = _set(said["arg"])
            values[argument["name"]] = Ref(INPUT)
            continue
        stored = next((said[key] for key in NAME_KEYS if key in said), None)
        if stored is None or stored not in state:
            raise UnknownOperation(f"an input of kind {kind}")
        values[said["arg"]["name"]] = Stored(stored, state[stored])
    if list(values.values()).count(Ref(INPUT)) != 1:
        raise UnknownOperation("several inputs")
    return values


def _followed(nodes: Sequence[Mapping[str, Any]], values: dict[str, Any], output: str) -> Graph:
    """Read node after node; of several values that one makes, only the first is what a layer computes."""
    program = Program()
    for node in nodes:
        own = _made_by(node)
        target = str(node["target"]).removeprefix("torch.ops.")
        if not target.startswith("aten.") or target.startswith("aten.sym_"):
            values[own] = UNKNOWN
            continue
        arguments = [(one["name"], _value(one["arg"], values)) for one in node["inputs"]]
        positional = [value for name, value in arguments if name not in NAMED_ONLY]
        named = {name: value for name, value in arguments if name in NAMED_ONLY}
        values[own] = program.call(target.split(".")[1], positional, named, own)
    return program.graph(values.get(output))


def _made_by(node: Mapping[str, Any]) -> str:
    """Name the first value that a node makes, a tensor or a number."""
    made = _set(node["outputs"][0])
    first = made[0] if isinstance(made, list) else made
    return str(first["name"] if "name" in first else first["as_name"])


def _set(union: Mapping[str, Any]) -> Any:
    """Give the one field of a union that is set."""
    return next(value for value in union.values() if value is not None)


def _value(argument: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Read one argument: a value of the graph, numbers, or None."""
    kind, said = next(((kind, said) for kind, said in argument.items() if said is not None), ("as_none", None))
    one_by_one: dict[str, Callable[[Any], Any]] = {
        "as_tensor": lambda one: values.get(one["name"], UNKNOWN),
        "as_sym_int": lambda one: one.get("as_int", UNKNOWN),
        "as_scalar_type": DTYPES.get,
        "as_none": lambda one: None,
    }
    read = one_by_one.get(kind.removesuffix("s") if kind in ("as_tensors", "as_sym_ints") else kind)
    if read is None:
        return said
    return [read(one) for one in said] if isinstance(said, list) else read(said)

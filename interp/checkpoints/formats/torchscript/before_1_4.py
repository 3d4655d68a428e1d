"""TorchScript archives of before torch 1.4: tensors listed in ``model.json``, each in a member of its own.

Torch itself reads them no longer in every build; nothing of theirs but JSON, plain numbers and the table of attributes
is read here, and their code is not followed. The layout is that of ``ScriptModuleSerializer`` in
``torch/csrc/jit/export.cpp`` of then, and of ``import_legacy.cpp``; the list's fields are those of
``caffe2/proto/torch.proto``, as protobuf writes them in JSON: numbers of 64 bits are strings.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interp.checkpoints.formats.contents import Contents, contents_of
from interp.checkpoints.formats.torchscript.attributes import numbers_of
from interp.errors import CheckpointError, first_line

MODEL, ATTRIBUTES = "model.json", "attributes.pkl"
LONGEST = 50_000_000
"""Largest number of bytes of the list of tensors and modules."""

DEEPEST, MOST, LONGEST_NAME = 100, 50_000, 1000
"""Largest number of levels of modules, of modules, parameters and tensors each, and of characters of a dotted name."""

TYPES = {
    "FLOAT": torch.float32,
    "DOUBLE": torch.float64,
    "FLOAT16": torch.float16,
    "INT64": torch.int64,
    "INT32": torch.int32,
    "INT16": torch.int16,
    "INT8": torch.int8,
    "UINT8": torch.uint8,
    "BYTE": torch.uint8,
    "BOOL": torch.bool,
}
"""Name of a type in the list -> type (``caffe2.proto``)."""

AGE = "before torch 1.4"


def read_before_1_4(path: Path, allow_pickle: bool = False) -> Contents:
    """Read the tensors of such an archive, under the names of a state dict.

    Raises
    ------
    CheckpointError
        If it is damaged, or ``model.json`` lists no modules with tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = next(name for name in archive.namelist() if name.rsplit("/", 1)[-1] == MODEL)
            if archive.getinfo(root).file_size > LONGEST:
                raise ValueError(f"{MODEL} of {archive.getinfo(root).file_size:,} bytes")
            said = json.loads(archive.read(root))
            if not isinstance(said, dict):
                raise ValueError(f"{MODEL} is a {type(said).__name__}")
            folder = root.removesuffix(MODEL)
            tensors = _tensors(archive, folder, said.get("tensors", ()))
            table = _table(archive, folder + ATTRIBUTES)
        state = {name: tensors[number] for name, number in _parameters(said["mainModule"], table)}
        layout = int(said.get("protoVersion", 1))
    except CheckpointError:
        raise
    except Exception as error:  # damage shows in many types
        raise CheckpointError(
            path,
            found=f"a TorchScript archive of {AGE} that does not open ({type(error).__name__}: {first_line(error)})",
            expected=f"{MODEL} with modules and tensors, as torch.jit.save wrote it then",
            do="load it with the torch that wrote it, and save its state_dict()",
        ) from error
    contents = contents_of(state, path)
    note = f"a TorchScript archive of {AGE}, in version {layout} of its layout"
    return Contents(
        contents.state,
        format="torchscript",
        graph_problem=f"it is of {AGE}",
        notes=(*contents.notes, note),
    )


def _table(archive: zipfile.ZipFile, name: str) -> list[int | None]:
    """Read which tensors the attributes are; torch 1.0 wrote no such table."""
    if name not in archive.namelist():
        return []
    if archive.getinfo(name).file_size > LONGEST:
        raise ValueError(f"{ATTRIBUTES} of {archive.getinfo(name).file_size:,} bytes")
    return numbers_of(archive.read(name))


def _tensors(archive: zipfile.ZipFile, folder: str, said: Sequence[Mapping[str, Any]]) -> list[Tensor]:
    """Read all tensors; those of one member share its values, which are read once."""
    if len(said) > MOST:
        raise ValueError(f"{len(said):,} tensors")
    keys = {str(one["data"]["key"]) for one in said}
    members = {key: bytearray(archive.read(folder + key)) for key in keys}
    return [_tensor(members[str(one["data"]["key"])], one) for one in said]


def _tensor(content: bytearray, said: Mapping[str, Any]) -> Tensor:
    """Give one tensor, as a view of the values in its member."""
    kind = TYPES[said.get("dataType", "FLOAT")]
    shape, strides = ([int(number) for number in said.get(name, ())] for name in ("dims", "strides"))
    count = len(content) // torch.empty(0, dtype=kind).element_size()
    if min([*shape, *strides], default=0) < 0 or (not count and 0 not in shape):
        raise ValueError(f"a tensor of shape {shape}")
    values = torch.frombuffer(content, dtype=kind, count=count) if count else torch.empty(1, dtype=kind)
    found = values.as_strided(shape, strides, int(said.get("offset", 0)))
    if not said.get("isQuantized"):
        return found
    return (found.to(torch.float32) - int(said.get("zeroPoint", 0))) * float(said["scale"])


def _parameters(module: Mapping[str, Any], table: Sequence[int | None]) -> Iterator[tuple[str, int]]:
    """Yield the dotted name of each parameter and buffer, with the number of its tensor."""
    waiting, modules, parameters = [("", module, 0)], 1, 0
    while waiting:
        name, one, depth = waiting.pop()
        own, below = [*one.get("parameters", ()), *_buffers(one, table)], one.get("submodules", ())
        modules, parameters = modules + len(below), parameters + len(own)
        if depth > DEEPEST or max(modules, parameters) > MOST:  # before any name is built
            raise ValueError(f"modules nested over {DEEPEST} deep, or over {MOST:,} of them or of their parameters")
        for said in own:
            number = int(said.get("tensorId", 0))
            if number == -1:
                raise ValueError(f"the tensor {_dotted(name, said)!r} in a state that a module of its own packs")
            if number < 0:
                raise ValueError(f"tensor {number}")
            yield _dotted(name, said), number
        waiting += [(f"{_dotted(name, child)}.", child, depth + 1) for child in reversed(below)]


def _buffers(module: Mapping[str, Any], table: Sequence[int | None]) -> Iterator[dict[str, Any]]:
    """Give the attributes of a module that are tensors, as its parameters are given."""
    known = {said["name"] for said in module.get("parameters", ())}
    for said in module.get("attributes", ()):
        place = int(said.get("id", -1))
        number = table[place] if 0 <= place < len(table) else None
        if number is not None and said["name"] not in known:
            yield {"name": said["name"], "tensorId": number}


def _dotted(above: str, said: Mapping[str, Any]) -> str:
    """Give the dotted name of a module or parameter below another."""
    own = str(said["name"])
    if len(above) + len(own) > LONGEST_NAME:
        raise ValueError(f"a name of over {LONGEST_NAME:,} characters")
    return above + own

"""TorchScript archives: tensors, names of layers, and what the code says runs; none of the code does."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from interp.checkpoints.formats.contents import Contents, contents_of
from interp.checkpoints.formats.inert import Inert, load_inert
from interp.checkpoints.formats.torch_files import distrusted
from interp.checkpoints.formats.torchscript.code import follow
from interp.checkpoints.graph.steps import UnknownOperation
from interp.errors import CheckpointError, first_line
from interp.safety import UnsafePickle

WEIGHTS = {"data.pkl": "data.pkl", "data/": "data/"}
CONSTANTS = {"constants.pkl": "data.pkl", "constants/": "data/"}
ALWAYS = {"version": "version", ".data/version": ".data/version", "byteorder": "byteorder"}


def read_torchscript(path: Path, allow_pickle: bool = False) -> Contents:
    """Read a scripted, traced or frozen module: its tensors, and the graph that its code amounts to.

    Raises
    ------
    CheckpointError
        If it is damaged, or keeps its weights in a way that needs its code.
    """
    try:
        root = load_inert(path, _as_checkpoint(path, WEIGHTS))
        constants = _constants(path)
        contents = _contents(root, constants, path)
        return _with_graph(contents, root, _sources(path), constants)
    except CheckpointError:
        raise
    except UnsafePickle as error:
        raise distrusted(path, error) from error
    except Exception as error:  # damage shows in many types; so do pickles that a stand-in cannot serve
        raise CheckpointError(
            path,
            found=f"a TorchScript archive that does not open ({first_line(error)})",
            expected="one written by torch.jit.save",
            do="load it with torch.jit and save its state_dict()",
        ) from error


def _contents(root: Inert, constants: tuple[Tensor, ...], path: Path) -> Contents:
    if isinstance(root, Inert) and not root.state and constants:  # a frozen module's weights are constants of its code
        return Contents({f"c{number}": tensor for number, tensor in enumerate(constants)}, notes=("frozen",))
    return contents_of(root, path)


def _with_graph(contents: Contents, root: Inert, sources: Mapping[str, str], constants: tuple[Tensor, ...]) -> Contents:
    try:
        return replace(contents, graph=follow(root, sources, constants))
    except UnknownOperation as problem:
        return replace(contents, graph_problem=str(problem))


def _constants(path: Path) -> tuple[Tensor, ...]:
    """Give the tensors that code calls by number."""
    loaded = load_inert(path, _as_checkpoint(path, CONSTANTS))
    return tuple(value for value in loaded if isinstance(value, Tensor)) if isinstance(loaded, tuple) else ()


def _as_checkpoint(path: Path, kept: Mapping[str, str]) -> io.BytesIO:
    """Copy some members as those of a plain checkpoint: with code beside them `torch.load` would read no tensors."""
    copy = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as plain:
        for name in archive.namelist():
            root, _, member = name.partition("/")
            folder = member.partition("/")[0] + "/"
            new = {**kept, **ALWAYS}.get(member) or (
                kept[folder] + member.removeprefix(folder) if folder in kept else ""
            )
            if new:
                plain.writestr(f"{root}/{new}", archive.read(name))
    copy.seek(0)
    return copy


def _sources(path: Path) -> dict[str, str]:
    """Read the code as text, by the dotted name of each file."""
    with zipfile.ZipFile(path) as archive:
        names = {name: name.partition("/")[2] for name in archive.namelist() if name.endswith(".py")}
        return {
            member.removeprefix("code/").removesuffix(".py").replace("/", "."): archive.read(name).decode()
            for name, member in names.items()
            if member.startswith("code/")
        }

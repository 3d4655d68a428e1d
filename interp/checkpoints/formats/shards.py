"""Weights in several files of a folder, as ``model-00001-of-00003.safetensors``, with an index of them or without."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from interp.checkpoints.formats.contents import Contents, contents_of
from interp.checkpoints.formats.glance import Glance
from interp.checkpoints.formats.safetensors_files import load_safetensors
from interp.checkpoints.formats.torch_files import distrusted, load_torch
from interp.checkpoints.weights.companions import shorten
from interp.checkpoints.weights.packed import tensors_in
from interp.errors import CheckpointError
from interp.safety import UnsafePickle, read_mapping

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The names under which transformers saves weights, the safe format first; shards are listed in ``NAME.index.json``."""

SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{1,6})-of-(?P<count>\d{1,6})(?P<ending>\.(?:safetensors|bin|pt|pth))")
"""Name of one of several files."""

INDEX = ".index.json"
WHOLE = "download or copy the whole folder"


def is_shards(seen: Glance) -> bool:
    """Tell whether a folder holds weights under the usual names, or files that are numbered as parts of them.

    Parameters
    ----------
    seen
        First look at a file or folder.
    """
    return seen.is_folder and any(
        name in WEIGHTS or name.endswith(INDEX) or SHARD.fullmatch(name) for name in seen.members
    )


def read_shards(path: Path, allow_pickle: bool = False) -> Contents:
    """Read the weights of a folder, in one file or in several.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, two files hold a tensor of one name, or an index names what none holds.
    """
    files = weight_files(path)
    state: dict[str, Tensor] = {}
    for file in files:
        found = _tensors(file)
        if doubled := sorted(state.keys() & found.keys()):
            raise CheckpointError(
                path, found=f"{doubled[0]} in two of its files", expected="each tensor in one", do=WHOLE
            )
        state |= found
    _check_listed(path, files, state)
    contents = contents_of(state, path)
    note = f"{len(files)} file{'s' if len(files) > 1 else ''} of weights"
    return Contents(contents.state, notes=(*contents.notes, note))


def weight_files(folder: Path) -> list[Path]:
    """List the files that hold a folder's weights, each directly in it.

    Parameters
    ----------
    folder
        Folder of weights, with a config or without one.

    Raises
    ------
    CheckpointError
        If there are none, one of several is missing, or an index names files elsewhere.
    """
    for name in WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
    index = _index(folder)
    return _listed(index) if index is not None else _numbered(folder)


def refuse_part(path: Path) -> None:
    """Refuse one of several files, which alone is part of a network.

    Raises
    ------
    CheckpointError
        If the name says that it is one of two or more.
    """
    match = SHARD.fullmatch(path.name)
    if match is not None and int(match["count"]) > 1:
        raise CheckpointError(
            path,
            found=f"file {int(match['number'])} of {int(match['count'])}, which hold a network together",
            expected="all of them in one folder",
            do="give the folder",
        )


def _tensors(file: Path) -> dict[str, Tensor]:
    """Read one file's tensors under the names that it has for them."""
    try:
        loaded: Any = load_safetensors(file) if file.suffix == ".safetensors" else load_torch(file)
    except UnsafePickle as error:
        raise distrusted(file, error) from error
    if not isinstance(loaded, Mapping) or not (found := tensors_in(loaded)):
        raise CheckpointError(file, found="no tensors by name", expected="a part of a state dict", do=WHOLE)
    return found


def _index(folder: Path) -> Path | None:
    """Find the index: of several the one of the usual weights."""
    usual = next((folder / f"{name}{INDEX}" for name in WEIGHTS if (folder / f"{name}{INDEX}").is_file()), None)
    return usual or next((path for path in sorted(folder.glob(f"*{INDEX}")) if path.is_file()), None)


def _weight_map(index: Path) -> dict[str, str]:
    said = read_mapping(index, CheckpointError, "download it again").get("weight_map")
    return {str(name): str(file) for name, file in said.items()} if isinstance(said, dict) else {}


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - never raises, unlike that of `Path`, where a name is too long


def _listed(index: Path) -> list[Path]:
    """List the files that an index names, which must stand beside it."""
    names = sorted(set(_weight_map(index).values()))
    odd = next((name for name in names if Path(name).name != name or not _is_file(index.parent / name)), None)
    if not names or odd is not None:
        raise CheckpointError(
            index,
            found="no list of files" if odd is None else f"weights in {odd!r}",
            expected="files in the same folder",
            do=WHOLE,
        )
    return [index.parent / name for name in names]


def _numbered(folder: Path) -> list[Path]:
    """List the files that are numbered as parts of one network."""
    sets: dict[tuple[str, str, str], dict[int, Path]] = {}
    for path in sorted(folder.iterdir()):
        if (match := SHARD.fullmatch(path.name)) is not None and path.is_file():
            sets.setdefault((match["ending"], match["stem"], match["count"]), {})[int(match["number"])] = path
    if not sets:
        raise CheckpointError(folder, found="a folder without weights", expected=" or ".join(WEIGHTS), do=WHOLE)
    safe = {key: parts for key, parts in sets.items() if key[0] == ".safetensors"} or sets
    if len(safe) > 1:
        named = shorten([f"{stem}-...-of-{count}{ending}" for ending, stem, count in safe])
        raise CheckpointError(
            folder, found=f"parts of {len(safe)} networks ({named})", expected="one", do="put each into its own folder"
        )
    (key, parts), *_ = safe.items()
    count = int(key[2])
    if missing := [number for number in range(1, min(count, 100_000) + 1) if number not in parts]:
        names = [f"{key[1]}-{number:0{len(key[2])}d}-of-{key[2]}{key[0]}" for number in missing]
        raise CheckpointError(
            folder, found=f"{count - len(missing)} of {count} files, without {shorten(names)}", expected="all", do=WHOLE
        )
    return [parts[number] for number in sorted(parts)]


def _check_listed(folder: Path, files: list[Path], state: Mapping[str, Tensor]) -> None:
    """Refuse a folder whose index names tensors that no file holds."""
    index = _index(folder) if len(files) > 1 else None
    missing = [] if index is None else [name for name in _weight_map(index) if name not in state]
    if missing:
        raise CheckpointError(
            index,
            found=f"{len(missing):,} tensors that none of its files holds ({shorten(missing)})",
            expected="all",
            do=WHOLE,
        )

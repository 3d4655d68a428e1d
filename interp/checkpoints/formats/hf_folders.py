"""Hugging Face folders: a config and weights, in one file or in shards; no code in the folder is ever loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.safetensors_files import read_safetensors
from interp.checkpoints.formats.torch_files import read_torch
from interp.errors import CheckpointError
from interp.safety import read_mapping

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The names under which transformers saves weights, the safe format first; shards are listed in ``NAME.index.json``."""


def read_folder(path: Path, allow_pickle: bool = False) -> Contents:
    """Read the tensors of a folder and the plain values of its config.

    Raises
    ------
    CheckpointError
        If weights are missing or damaged, or an index points out of the folder.
    """
    config, files = read_config(path), weight_files(path)
    state: dict[str, Tensor] = {}
    for file in files:
        safe = file.suffix == ".safetensors"
        state |= (read_safetensors(file) if safe else read_torch(file)).state
    plain = {name: value for name, value in config.items() if isinstance(value, (str, int, float, bool))}
    notes = (f"{CONFIG} and {len(files)} file{'s' if len(files) > 1 else ''} of weights",)
    return Contents(state, metadata=plain, notes=notes)


def read_config(folder: Path) -> dict[str, Any]:
    """Read a folder's config.

    Raises
    ------
    CheckpointError
        If it is not JSON of names and values.
    """
    return _read_json(folder / CONFIG)


def weight_files(folder: Path) -> list[Path]:
    """List the files that hold a folder's weights, each directly in it.

    Raises
    ------
    CheckpointError
        If there are none, or an index names files elsewhere.
    """
    for name in WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
        if (folder / f"{name}.index.json").is_file():
            return _shards(folder / f"{name}.index.json")
    raise CheckpointError(
        folder, found="a config without weights", expected=" or ".join(WEIGHTS), do="download the whole folder"
    )


def _shards(index: Path) -> list[Path]:
    """List the files that an index names, which must stand beside it."""
    said = _read_json(index).get("weight_map")
    names = sorted(set(map(str, said.values()))) if isinstance(said, dict) else []
    odd = next((name for name in names if Path(name).name != name or not (index.parent / name).is_file()), None)
    if not names or odd is not None:
        raise CheckpointError(
            index,
            found="no list of files" if odd is None else f"weights in {odd!r}",
            expected="files in the same folder",
            do="download the whole folder",
        )
    return [index.parent / name for name in names]


def _read_json(path: Path) -> dict[str, Any]:
    return read_mapping(path, CheckpointError, "download it again")

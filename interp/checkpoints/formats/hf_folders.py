"""Hugging Face folders: a config and weights, in one file or in shards; no code in the folder is ever loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.shards import read_shards
from interp.errors import CheckpointError
from interp.safety import read_mapping

CONFIG = "config.json"


def read_folder(path: Path, allow_pickle: bool = False) -> Contents:
    """Read the tensors of a folder and the plain values of its config.

    Raises
    ------
    CheckpointError
        If weights are missing or damaged, or an index points out of the folder.
    """
    config, found = read_config(path), read_shards(path)
    plain = {name: value for name, value in config.items() if isinstance(value, (str, int, float, bool))}
    return replace(found, metadata=plain, notes=(f"{CONFIG} and {found.notes[-1]}",))


def read_config(folder: Path) -> dict[str, Any]:
    """Read a folder's config.

    Raises
    ------
    CheckpointError
        If it is not JSON of names and values.
    """
    return _read_json(folder / CONFIG)


def _read_json(path: Path) -> dict[str, Any]:
    return read_mapping(path, CheckpointError, "download it again")

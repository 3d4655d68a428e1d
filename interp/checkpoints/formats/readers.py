"""path -> Contents: the reader is chosen by what is in the file, never by its name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.export_files import read_export
from interp.checkpoints.formats.hf_folders import CONFIG, read_folder, weight_files
from interp.checkpoints.formats.onnx.files import read_onnx
from interp.checkpoints.formats.safetensors_files import read_safetensors
from interp.checkpoints.formats.sniff import sniff
from interp.checkpoints.formats.torch_files import read_torch
from interp.checkpoints.formats.torchscript.files import read_torchscript
from interp.checkpoints.weights.tensors import checked_state

READERS: dict[str, Callable[[Path, str, bool], Contents]] = {
    "torch-zip": read_torch,
    "torch-legacy": read_torch,
    "torchscript": read_torchscript,
    "torch-export": read_export,
    "safetensors": read_safetensors,
    "onnx": read_onnx,
    "huggingface": read_folder,
}
"""Format, as `sniff` names it -> (path, format, whether pickles may run code) -> what is in the file."""


def read_contents(path: str | Path, allow_pickle: bool = False) -> Contents:
    """Read a file's weights with the reader that its content asks for.

    Raises
    ------
    CheckpointError
        If it holds none that a network can be made of, or would have to run code.
    """
    format = sniff(Path(path))
    contents = READERS[format](Path(path), format, allow_pickle)
    return replace(contents, state=checked_state(contents.state, path))


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, or of a folder's config and weights one after the other, in hexadecimal."""
    folder = Path(path)
    digest = hashlib.sha256()
    for name in [folder / CONFIG, *weight_files(folder)] if folder.is_dir() else [folder]:
        with name.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()

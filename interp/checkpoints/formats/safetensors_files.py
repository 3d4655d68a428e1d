"""Safetensors files, by whatever framework wrote them."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from interp.checkpoints.formats.contents import Contents, contents_of
from interp.errors import CheckpointError, first_line


def read_safetensors(path: Path, allow_pickle: bool = False) -> Contents:
    """Read a safetensors file; it holds tensors only, so nothing in it can run.

    Raises
    ------
    CheckpointError
        If it is damaged or empty.
    """
    return contents_of(load_safetensors(path), path)


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file's tensors under the names that it has for them.

    Raises
    ------
    CheckpointError
        If it is damaged.
    """
    try:
        return load_file(path)
    except Exception as error:  # damage shows in many types, a file larger than memory as MemoryError
        raise CheckpointError(
            path,
            found=f"a damaged safetensors file ({first_line(error)})",
            expected="a whole file",
            do="copy or download it again",
        ) from error

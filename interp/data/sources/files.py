"""Data sets from files of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zipfile import ZipInfo

import numpy as np
import torch
from torch import Tensor

from interp.data.options import DataOptions
from interp.data.sources.paths import existing
from interp.errors import DataError, first_line
from interp.safety import load_weights

MOST_RATIO = 100
"""Largest ratio of unpacked to packed bytes; images with much background have 10."""

AS_TEXT = "; words, which tables hold as objects, as y.astype(str)"
"""What to do with words out of a table beside saving plain arrays."""

MOST_UNPACKED = 100_000_000
"""Number of unpacked bytes below which any ratio is harmless."""


def from_npz(spec: str, options: DataOptions) -> dict[str, Any]:
    """Read a ``.npz`` of plain arrays.

    Raises
    ------
    DataError
        If the file is missing, damaged, holds anything else, or would unpack to far more than its size.
    """
    path = existing(spec)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            check_unpacked(archive.zip.infolist(), path.stat().st_size)
            arrays = {name: archive[name] for name in archive.files}
        if odd := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
            raise ValueError(f"{odd[0]!r}, which is no array")
    except Exception as error:  # damage shows as BadZipFile, ValueError, EOFError, zlib.error; a .npy as TypeError
        raise DataError(
            path, found=first_line(error), expected="a .npz of plain arrays", do=f"save it with numpy.savez{AS_TEXT}"
        ) from error
    return arrays


def check_unpacked(members: Sequence[ZipInfo], size: int) -> None:
    """Check that an archive unpacks to a reasonable size, and has each name once.

    Parameters
    ----------
    members
        Entries of the archive.
    size
        Size of the archive in bytes.

    Raises
    ------
    ValueError
        If it would unpack to far more than its size, or two entries have one name.
    """
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(MOST_RATIO * size, MOST_UNPACKED):
        raise ValueError(f"a zip that unpacks to {unpacked:,} bytes, {unpacked // max(size, 1)} times its size")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("a zip with doubled names")


def from_tensors(spec: str, options: DataOptions) -> dict[str, Any]:
    """Read a dict of tensors, without running code; entries that are no dense tensors are left out.

    Raises
    ------
    DataError
        If the file is missing, damaged, or holds anything else.
    """
    path = existing(spec)
    try:
        content = load_weights(path)
    except Exception as error:  # torch.load fails with many types; each means the same here
        raise DataError(
            path, found=first_line(error), expected="a dict of tensors", do="save one with torch.save, or use .npz"
        ) from error
    if not isinstance(content, Mapping):
        raise DataError(path, found=type(content).__name__, expected="a dict of tensors", do="save X and y by name")
    return {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor) and _is_dense(value)}


def _is_dense(tensor: Tensor) -> bool:
    """Tell whether a tensor holds plain numbers that are all stored: one of stride 0 can have any shape."""
    plain = tensor.layout == torch.strided and not (tensor.is_meta or tensor.is_quantized or tensor.is_complex())
    return plain and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()

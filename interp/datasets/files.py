"""Data sets from files of arrays.

To add a format, write a function ``(spec, options) -> Dataset`` and one line in `FILE_READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from interp.datasets.assemble import existing, from_mapping
from interp.datasets.options import DataOptions
from interp.datasets.tables import from_csv
from interp.errors import DataError, first_line
from interp.pickle_scan import load_weights
from interp.types import Dataset


def from_npz(spec: str, options: DataOptions) -> Dataset:
    """Read a ``.npz`` of plain arrays."""
    path = existing(spec)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # damage shows as BadZipFile, ValueError, EOFError, zlib.error; a .npy as TypeError
        raise DataError(
            path, found=first_line(error), expected="a .npz of plain arrays", do="save it with numpy.savez"
        ) from error
    return from_mapping(spec, arrays)


def from_tensors(spec: str, options: DataOptions) -> Dataset:
    """Read a dict of tensors, without running code."""
    import torch

    path = existing(spec)
    try:
        content = load_weights(path)
    except Exception as error:  # torch.load fails with many types; each means the same here
        raise DataError(
            path, found=first_line(error), expected="a dict of tensors", do="save one with torch.save, or use .npz"
        ) from error
    if not isinstance(content, Mapping):
        raise DataError(path, found=type(content).__name__, expected="a dict of tensors", do="save X and y by name")
    dense = {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor) and v.layout == torch.strided}
    half = (torch.bfloat16, torch.float16)  # numpy knows no bfloat16
    return from_mapping(spec, {k: (v.float() if v.dtype in half else v).detach().numpy() for k, v in dense.items()})


FILE_READERS: dict[str, Callable[[str, DataOptions], Dataset]] = {
    ".npz": from_npz,
    ".csv": from_csv,
    ".pt": from_tensors,
    ".pth": from_tensors,
}
"""Ending -> what reads such a file."""

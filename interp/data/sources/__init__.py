"""Sources of data: a name, a file, code of the user's own, or something in memory.

To add a source, write a function ``(spec, options) -> data`` and one line in `SOURCES`. It gives a `Dataset`, or
anything simpler that is a source itself, such as ``(x, y)`` or arrays by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from interp.data.options import DataOptions
from interp.data.sources.arrow import from_parquet
from interp.data.sources.files import from_npz, from_tensors
from interp.data.sources.folders import from_folder
from interp.data.sources.loaders import from_loader, from_torch_dataset
from interp.data.sources.memory import from_inputs, from_pair
from interp.data.sources.named import digits, mnist
from interp.data.sources.npy_files import from_npy
from interp.data.sources.paths import is_folder
from interp.data.sources.tables.frames import from_csv, from_frame
from interp.data.sources.torchvision_sets import PREFIX, from_torchvision
from interp.data.streams.collect import from_stream
from interp.data.streams.hugging_face import HuggingFace
from interp.data.streams.sources import from_batches
from interp.errors import DataError, unknown_name
from interp.safety import call_name, import_name
from interp.streams import Stream
from interp.types.annotations.frames import DataFrame

Source = Callable[[Any, DataOptions], Any]

FOLDER = "/"
"""Key of folders, whatever they are called."""

SOURCES: dict[str | type, Source | str] = {
    "digits": digits,
    "mnist": mnist,
    PREFIX: from_torchvision,
    FOLDER: from_folder,
    ".npz": from_npz,
    ".npy": from_npy,
    ".csv": from_csv,
    ".tsv": from_csv,
    ".parquet": from_parquet,
    ".pt": from_tensors,
    ".pth": from_tensors,
    tuple: from_pair,
    np.ndarray: from_inputs,
    Tensor: from_inputs,
    DataFrame: from_frame,
    DataLoader: from_loader,
    TorchDataset: from_torch_dataset,
    Stream: from_stream,
    HuggingFace: from_batches,
    FunctionType: from_batches,
    Iterator: from_batches,
}
"""Name, its beginning (with a colon), ending of a file (with its dot), or type -> function that reads it, or
``package.module:name`` of one."""

DECODED: frozenset[Source] = frozenset(
    {
        from_torchvision,
        from_folder,
        from_csv,
        from_parquet,
        from_loader,
        from_torch_dataset,
        from_stream,
        from_batches,
    }
)
"""Functions whose work is worth sharing among the processes of a machine: they decode what they read."""

CODE = "package.module:callable"
"""Form of the name of a user's own function, as messages show it."""


def data_names() -> list[str]:
    """List the data sets that are known by name.

    Examples
    --------
    >>> data_names()
    ['digits', 'mnist']
    """
    return [key for key in SOURCES if isinstance(key, str) and key[0] not in "./" and not key.endswith(":")]


def is_code(spec: object) -> bool:
    """Tell whether data are given as a callable of the user's own, which opening them runs.

    Parameters
    ----------
    spec
        Data as the user gave them.

    Examples
    --------
    >>> is_code("mine.data:rows"), is_code("digits"), is_code("c:/data.npz")
    (True, False, False)
    """
    return isinstance(spec, str) and ":" in spec and _key_of(spec) is None


def find_source(spec: Any, where: str = "data") -> Source:
    """Find the function that reads a name, a path, or data in memory.

    Parameters
    ----------
    spec
        Data as the user gave them.
    where
        Name of the data in errors.

    Returns
    -------
    callable
        Function of such data and `DataOptions`.

    Raises
    ------
    UsageError
        If a name or ending is unknown.
    DataError
        If data in memory are of a type that no source reads.
    """
    if is_code(spec):
        return from_callable
    key = _key_of(spec)
    if key is not None:
        found = SOURCES[key]
        source: Source = import_name(found, "source of data") if isinstance(found, str) else found
        return source
    if isinstance(spec, str | Path):
        endings = [f"*{key}" for key in SOURCES if isinstance(key, str) and key.startswith(".")]
        begun = [f"{key}NAME" for key in SOURCES if isinstance(key, str) and key.endswith(":")]
        raise unknown_name("--data", str(spec), [*data_names(), *begun, *endings, "a folder", CODE])
    raise DataError(
        where,
        found=f"a {type(spec).__name__}",
        expected=f"a name, a path, (inputs, targets), arrays by name, or a {' or '.join(_type_names())}",
        do="give one of these",
    )


def from_callable(spec: str, options: DataOptions) -> Any:
    """Call ``package.module:callable``, which gives data of any kind."""
    return call_name(spec, "--data")


def _key_of(spec: Any) -> str | type | None:
    """Give the key of `SOURCES` for some data: the name, its beginning or ending, or the most specific of the types."""
    if isinstance(spec, str | Path):
        begins = f"{str(spec).partition(':')[0]}:"
        keys = (str(spec), begins, Path(spec).suffix.lower(), *([FOLDER] if is_folder(spec) else []))
        return next((key for key in keys if key in SOURCES), None)
    if isinstance(spec, HuggingFace):
        return HuggingFace  # those that the library streams are data sets of torch too
    by_type = (kind for kind in type(spec).__mro__ if kind in SOURCES)
    virtual = (key for key in SOURCES if isinstance(key, type) and isinstance(spec, key))
    return next(by_type, None) or next(virtual, None)


def _type_names() -> list[str]:
    return [key.__name__ for key in SOURCES if isinstance(key, type) and not issubclass(key, tuple)]

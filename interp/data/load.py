"""A name, a path or a callable -> inputs, and what a network should make of them."""

from __future__ import annotations

from pathlib import Path

from interp.data.callables import from_callable
from interp.data.files import FILE_READERS
from interp.data.named import DATASETS
from interp.data.options import DataOptions
from interp.errors import unknown_name
from interp.types import Dataset


def load_dataset(spec: str, options: DataOptions = DataOptions()) -> Dataset:
    """Open a data set by name, path or ``package.module:callable``.

    Parameters
    ----------
    spec
        ``digits``, ``mnist``, a ``.npz``, ``.csv`` or ``.pt`` file, or a callable that returns
        ``(inputs, labels)`` or a mapping with the keys that an ``.npz`` has.
    options
        Where to look.

    Raises
    ------
    DataError
        If the data are missing, empty, not finite, or inputs and labels differ in number.
    UsageError
        If `spec` names nothing known.

    Examples
    --------
    >>> load_dataset("digits").train.inputs.shape
    (1437, 64)
    """
    if spec in DATASETS:
        return DATASETS[spec](spec, options)
    suffix = Path(spec).suffix.lower()
    if suffix in FILE_READERS:
        return FILE_READERS[suffix](spec, options)
    if is_code(spec):
        return from_callable(spec, options)
    raise unknown_name("--data", spec, [*DATASETS, *(f"*{end}" for end in FILE_READERS), "package.module:callable"])


def is_code(spec: str) -> bool:
    """Whether a data set's name is a callable of the user's own, which opening it runs."""
    return spec not in DATASETS and Path(spec).suffix.lower() not in FILE_READERS and ":" in spec

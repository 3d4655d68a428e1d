"""A name, a path, a callable or something in memory -> a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interp.data.assemble import from_mapping
from interp.data.options import DataOptions
from interp.data.sources import find_source
from interp.data.splits import flattened, holds_splits
from interp.data.together import Together, read_together
from interp.errors import DataError
from interp.ranks import ALONE, Ranks
from interp.streams import Stream
from interp.types import Dataset
from interp.types.annotations.edge import checked

IN_MEMORY = " in memory"
"""Ending of the names of data that were given in memory."""

MOST_STEPS = 8
"""Largest number of sources that are read one after the other, each from what the one before gives."""


@checked
def load_dataset(spec: Any, options: DataOptions = DataOptions()) -> Dataset:
    """Open a data set by name, path or ``package.module:callable``, or take one that is in memory.

    Parameters
    ----------
    spec
        ``digits``, ``mnist``, ``torchvision:NAME``; a ``.npz``, ``.npy``, ``.csv``, ``.parquet`` or ``.pt`` file; a
        folder of images a class, of such files, or saved by the datasets library; a callable that returns one of what
        follows.
        In memory: ``(inputs, targets)``, with ``((first, second), targets)`` for several inputs; arrays, tensors or
        lists by the names that an ``.npz`` has; a pandas DataFrame; a torch Dataset or DataLoader, or a data set of the
        datasets library, of which every sample is read; an iterator of batches, or a function that gives one; what
        `interp.stream` makes of a source; or ``{"train": ..., "test": ...}`` of these. Where the samples of a loader,
        data set, iterator or function take over 1 GB, or the images of a folder over 4 GB, inputs are kept on disk.
    options
        Folder of data sets, permission to download, and target column of a table.

    Returns
    -------
    Dataset
        Splits ``train`` and, where there is one, ``test``, with inputs of one row a sample.

    Raises
    ------
    DataError
        If the data are missing, empty or not finite, or inputs and labels differ in number.
    UsageError
        If `spec` is no known name, ending or callable.

    Examples
    --------
    >>> load_dataset("digits").train.inputs.shape
    (1437, 64)
    >>> load_dataset(([[0.5, 1.0], [1.5, 0.0], [0.1, 0.2]], [0, 1, 0])).train.labels
    array([0, 1, 0])
    """
    spec, ranks = (spec.data, spec.ranks) if isinstance(spec, Together) else (spec, ALONE)
    found = _simplest(spec, options, ranks)
    return found if isinstance(found, Dataset) else from_mapping(name_of(spec), found)


def name_of(spec: Any) -> str:
    """Name data for the page and for errors: a name or path as it was given, otherwise their type.

    Parameters
    ----------
    spec
        Data as the user gave them.

    Examples
    --------
    >>> name_of("digits"), name_of(([[1.0]], [0]))
    ('digits', 'arrays in memory')
    """
    if isinstance(spec, str | Path):
        return str(spec)
    if isinstance(spec, Stream):
        return spec.name
    is_plain = isinstance(spec, tuple | Mapping) or type(spec).__name__ in ("ndarray", "Tensor")
    return f"{'arrays' if is_plain else type(spec).__name__}{IN_MEMORY}"


def _simplest(spec: Any, options: DataOptions, ranks: Ranks) -> Dataset | Mapping[str, Any]:
    """Read data, and again what a source gives, until that is a data set or arrays by name."""
    found = spec
    for _ in range(MOST_STEPS):
        if isinstance(found, Dataset):
            return found
        if isinstance(found, Mapping):
            return flattened(found, lambda part: _simplest(part, options, ranks)) if holds_splits(found) else found
        found = read_together(found, find_source(found, name_of(spec)), options, ranks)
    raise DataError(
        name_of(spec),
        found="sources that name each other in a circle",
        expected="data in the end",
        do="return arrays",
    )

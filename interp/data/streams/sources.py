"""Whatever gives batches -> streams, which say how batches are begun, how many samples there are, and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from interp.data.arrays import as_array
from interp.data.assemble import NAMES
from interp.data.draws import fixed_draws
from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.sources.image_folders import image_folders
from interp.data.sources.loaders import BATCH, is_share, is_shuffled, loader_batches
from interp.data.sources.memory import from_pair
from interp.data.sources.paths import is_folder
from interp.data.splits import holds_splits
from interp.data.streams.batches import closing_batches, each_as_arrays, named, own_faults
from interp.data.streams.collect import collected
from interp.data.streams.hugging_face import HuggingFace, hugging_face_stream
from interp.data.streams.images import image_streams
from interp.data.streams.parquet import parquet_streams
from interp.data.streams.torch_rows import part_of_loader, samples_in_order
from interp.errors import DataError, UsageError
from interp.streams import Stream
from interp.types.annotations.edge import checked

Streams = Stream | dict[str, Stream]
"""One stream, or the stream of each split."""


@checked
def stream(source: Any, options: DataOptions = DataOptions()) -> Streams:
    """Take data as a stream: memory does not grow with their number, which need not be known.

    Inputs are written to a temporary file as they come, once, and read from there (in the folder that ``TMPDIR`` names,
    which needs room for them); targets stay in memory. Results are those of the same data in memory.

    Parameters
    ----------
    source
        Torch DataLoader or Dataset, of either kind; a data set of the datasets library (Hugging Face), of either kind;
        a folder of images a class; a parquet file of numbers, arrays or images, or a folder of such; arrays, which may
        be memory-mapped, as ``(x, y)`` or by name; a function that gives batches; batches themselves, of which each
        is inputs, ``(inputs, targets)`` or arrays by name; or ``{"train": ..., "test": ...}`` of these.
    options
        Target column of a table, and side of images.

    Returns
    -------
    Stream or dict
        Stream, or name of a split -> its stream, which `interp.analyse` and `interp.load_dataset` take as data.

    Raises
    ------
    UsageError
        If it is none of these.
    DataError
        If a folder or file holds nothing that can be streamed.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> rows = stream(lambda: (([[start, 0.5]], [start % 2]) for start in range(6)))
    >>> load_dataset(rows).train.inputs.shape
    (6, 2)
    """
    if isinstance(source, Stream):
        return source
    if isinstance(source, Mapping) and holds_splits(source):
        found = {split: stream(part, options) for split, part in source.items()}
        return {split: _one(split, part) for split, part in found.items()}
    known = (make for is_this, make in STREAMS if is_this(source))
    make = next(known, None)
    if make is None:
        raise UsageError(
            "data",
            found=f"the path {str(source)!r}" if _is_path(source) else f"a {type(source).__name__}",
            expected="a loader, data set, folder of images, parquet, arrays, batches, or a function that gives them",
            do="give one of these",
        )
    return make(source, options)


def _one(split: str, found: Streams) -> Stream:
    if isinstance(found, Stream):
        return found
    raise UsageError(
        f"data ({split})",
        found="data that have splits of their own",
        expected="those of this split",
        do="give them as they are",
    )


def from_batches(content: Any, options: DataOptions) -> Any:
    """Read the batches of an iterator, a function, or a data set of the datasets library, as those of a loader.

    Raises
    ------
    DataError
        If there is no batch, batches differ in their names or shapes, or what gives them fails.
    """
    found = stream(content, options)
    if not isinstance(found, Stream):
        return found
    with (
        own_faults(found.name),
        fixed_draws(0),
        closing_batches(each_as_arrays(found.name, found.batches())) as batches,
    ):
        arrays = collected(found.name, batches)
    return Found({**arrays, **found.names}, {**arrays.facts, **found.facts})


# --------------------------------------------------------------------------- kinds of sources


def of_loader(loader: DataLoader[Any], options: DataOptions) -> Stream:
    """Take the batches of a loader, in the order of its data set where it shuffles."""
    name, counted = f"{type(loader).__name__}{IN_MEMORY}", samples_in_order(loader)
    if counted is None:
        return Stream(name, lambda: loader_batches(loader), _size(loader), is_share=is_share(loader))
    return Stream(name, lambda: loader_batches(loader), counted, **_parts(loader))


def _parts(loader: DataLoader[Any]) -> Mapping[str, Any]:
    """Give the functions of a stream that read some samples of a loader alone."""
    return {"part": partial(part_of_loader, loader), "watched": partial(part_of_loader, loader, is_watched=True)}


def _size(loader: DataLoader[Any]) -> int | None:
    """Count the samples of a loader; None where its data set or the user's own sampler does not say."""
    if isinstance(loader.dataset, IterableDataset) or not hasattr(loader.dataset, "__len__"):
        return None
    return len(loader.dataset) if is_shuffled(loader) else None


def of_torch_dataset(dataset: TorchDataset[Any], options: DataOptions) -> Stream:
    """Take the samples of a data set in its own order."""
    name = f"{type(dataset).__name__}{IN_MEMORY}"
    if isinstance(dataset, TensorDataset):
        return _of_arrays(name, named(dataset.tensors))
    is_counted = not isinstance(dataset, IterableDataset) and hasattr(dataset, "__len__")
    samples = len(dataset) if is_counted else None  # type: ignore[arg-type]  # it has a length
    loader: DataLoader[Any] = DataLoader(dataset, batch_size=BATCH)
    return Stream(name, lambda: loader_batches(loader), samples, **({} if samples is None else _parts(loader)))


def of_arrays(content: Any, options: DataOptions) -> Stream:
    """Take rows of arrays, which may be memory-mapped, some at a time."""
    arrays = from_pair(content, options) if isinstance(content, tuple) else content
    return _of_arrays(f"arrays{IN_MEMORY}", arrays if isinstance(arrays, Mapping) else {"x": arrays})


def _of_arrays(name: str, arrays: Mapping[str, Any]) -> Stream:
    names = {key: tuple(map(str, arrays[key])) for key in NAMES if arrays.get(key) is not None}
    rows = {
        key: values if hasattr(values, "shape") else as_array(f"{name}, {key}", values)
        for key, values in arrays.items()
        if key not in NAMES and values is not None
    }
    if scalars := [key for key, values in rows.items() if not np.ndim(values)]:
        raise UsageError(name, found=f"no rows in {', '.join(scalars)}", expected="arrays", do="give one row a sample")
    counts = {key: len(values) for key, values in rows.items()}
    if len(set(counts.values())) != 1:
        said = ", ".join(f"{count:,} of {key}" for key, count in counts.items())
        raise UsageError(name, found=f"rows: {said or 'none'}", expected="as many of each", do="make them match")
    samples = next(iter(counts.values()))

    def part(ranges: Sequence[range]) -> Iterator[dict[str, Any]]:
        for one in ranges:
            for start in range(one.start, one.stop, ROWS):
                yield {key: values[start : min(start + ROWS, one.stop)] for key, values in rows.items()}

    return Stream(name, lambda: part([range(samples)]), samples, names=names, part=part)


def of_function(function: Callable[[], Iterable[Any]], options: DataOptions) -> Stream:
    """Take the batches that a function gives, which begins them anew at each call."""
    return Stream(f"{getattr(function, '__name__', type(function).__name__)}{IN_MEMORY}", function)


def of_batches(batches: Iterator[Any], options: DataOptions) -> Stream:
    """Take batches that come once: the stream refuses to begin them anew."""
    name, left = f"{type(batches).__name__}{IN_MEMORY}", [batches]

    def once() -> Iterator[Any]:
        if not left:
            raise DataError(
                name,
                found="batches that were read before: it comes once",
                expected="batches that can begin anew",
                do="give a function that returns them, or use the data set that was read",
            )
        return left.pop()

    return Stream(name, once, is_once=True)


def of_image_folder(folder: str | Path, options: DataOptions) -> dict[str, Stream]:
    """Take the images of each split of a folder, in which a class is a folder."""
    return image_streams(image_folders(Path(folder)), options)


IN_MEMORY = " in memory"
"""Ending of the names of data that were given in memory."""

ROWS = 4096
"""Number of rows of arrays that are taken at once."""


def _is_path(source: Any) -> bool:
    return isinstance(source, str | Path)


def _is_table(source: Any) -> bool:
    if not _is_path(source):
        return False
    return Path(source).suffix.lower() == ".parquet" or (is_folder(source) and any(Path(source).rglob("*.parquet")))


STREAMS: tuple[tuple[Callable[[Any], bool], Callable[[Any, DataOptions], Streams]], ...] = (
    (lambda source: isinstance(source, DataLoader), of_loader),
    (lambda source: isinstance(source, HuggingFace), hugging_face_stream),
    (lambda source: isinstance(source, TorchDataset), of_torch_dataset),
    (lambda source: isinstance(source, tuple | Mapping | np.ndarray | Tensor), of_arrays),
    (_is_table, parquet_streams),
    (lambda source: _is_path(source) and is_folder(source) and bool(image_folders(Path(source))), of_image_folder),
    (lambda source: isinstance(source, Iterator), of_batches),
    (lambda source: not _is_path(source) and callable(source), of_function),
)
"""Whether a source is of a kind, and function that makes a stream of it; the first that fits is taken."""

"""Parquet files as streams, read by row groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from interp.data.options import DataOptions
from interp.data.sources.arrow import class_names, files_of_splits, is_whole_input, numbers_in, parquet_file, reading
from interp.data.sources.tables.frames import arrays_of_frames, target_column
from interp.data.streams.images import all_grey, stacked_as
from interp.errors import DataError
from interp.streams import Stream

BATCH = 4096
"""Largest number of rows of a table that are read at once; a row group may be smaller."""

WHOLE = 256
"""Largest number of rows that are read at once where each holds an image or array."""


def parquet_streams(spec: str | Path, options: DataOptions) -> Stream | dict[str, Stream]:
    """Take the rows of a parquet file, or of the files of each split of a folder.

    Raises
    ------
    DataError
        If it is missing or damaged, or holds columns of text, which have to be seen whole.
    UsageError
        If pyarrow is not installed, or there is no such target column.
    """
    path = Path(spec)
    if not path.is_dir():
        return _of_files(str(path), [path], options)
    found = {split: _of_files(str(path), files, options) for split, files in files_of_splits(path).items()}
    return found.get("", found)


def _of_files(where: str, paths: list[Path], options: DataOptions) -> Stream:
    files = [parquet_file(path) for path in paths]
    names = class_names(files[0].schema_arrow.metadata)
    samples = sum(file.metadata.num_rows for file in files)

    def frames(rows: int, columns: list[str] | None = None, ranges: Sequence[range] | None = None) -> Iterator[Any]:
        first = 0
        for path in paths:
            with reading(path):
                file = parquet_file(path)
                if ranges is None:
                    yield from (part.to_pandas() for part in file.iter_batches(rows, columns=columns))
                else:
                    yield from _some_rows(file, rows, ranges, first)
                    first += file.metadata.num_rows

    first = next(frames(1), None)
    if first is None:
        raise DataError(where, found="no rows", expected="one row a sample", do="give the whole table")
    column = next((str(name) for name, value in first.iloc[0].items() if is_whole_input(value)), None)
    if column is not None:
        return _of_one_column(where, column, first, frames, names, samples, options)
    target = target_column([str(name) for name in first.columns], options.target)
    _check_numbers(where, first, options)
    features = tuple(str(name) for name in first.columns if str(name) != target)
    listed = {"feature_names": features, **_class_names(names, target)}

    def part(ranges: Sequence[range] | None) -> Iterator[dict[str, Any]]:
        return (_arrays(where, frame, options) for frame in frames(BATCH, ranges=ranges))

    return Stream(where, lambda: part(None), samples, names=listed, part=part)


def _some_rows(file: Any, rows: int, ranges: Sequence[range], first: int) -> Iterator[Any]:
    """Yield the rows of a file that are in ascending ranges; its first is `first`.

    A row group that has any is unpacked from its beginning, as rows have no places of their own, to the last of them.
    """
    for group in range(file.num_row_groups):
        end = first + file.metadata.row_group(group).num_rows
        wanted = [one for one in ranges if one.start < end and one.stop > first]
        last = max((one.stop for one in wanted), default=first)
        for batch in file.iter_batches(rows, row_groups=[group]) if wanted else ():
            for one in wanted:
                start, stop = max(one.start - first, 0), min(one.stop - first, len(batch))
                if start < stop:
                    yield batch.slice(start, stop - start).to_pandas()
            first += len(batch)
            if first >= last:
                break
        first = end


def _arrays(where: str, frame: Any, options: DataOptions) -> dict[str, Any]:
    found = arrays_of_frames(where, {"": frame}, options)
    return {name: found[name] for name in ("x", "y") if name in found}


def _class_names(names: Mapping[str, list[str]], target: str | None) -> dict[str, tuple[str, ...]]:
    return {} if target is None or target not in names else {"target_names": tuple(names[target])}


def _check_numbers(where: str, frame: Any, options: DataOptions) -> None:
    """Refuse what cannot be said of some rows alone: categories, and the mean of a column with gaps."""
    text = next((name for name, kind in frame.dtypes.items() if kind.kind not in "biuf"), None)
    if text is None and options.fill is None:
        return
    raise DataError(
        where,
        found=f"column {text!r} of no numbers" if text is not None else f"values to be filled by their {options.fill}",
        expected="columns of numbers where a table is read some rows at a time",
        do="encode it first, or give the file itself, which is read whole",
    )


def _of_one_column(
    where: str,
    column: str,
    first: Any,
    frames: Callable[..., Iterator[Any]],
    names: Mapping[str, list[str]],
    samples: int,
    options: DataOptions,
) -> Stream:
    """Take one column as inputs and one of the others as targets, which may be the one that has names of classes."""
    others = [str(name) for name in first.columns if str(name) != column]
    listed = [name for name in others if name in names]
    target = options.target if options.target or not listed else listed[0]
    target = target_column(others, target) if others else None
    is_image = isinstance(first[column].iloc[0], bytes | Mapping)

    @cache
    def is_grey() -> bool:
        parts = (_bytes(where, value) for frame in frames(WHOLE, [column]) for value in frame[column])
        return is_image and all_grey(where, parts)

    def part(ranges: Sequence[range] | None) -> Iterator[dict[str, Any]]:
        grey = is_grey()
        for frame in frames(WHOLE, ranges=ranges):
            cells = list(frame[column])
            contents = [_bytes(where, cell) for cell in cells] if is_image else []
            x = (
                stacked_as(where, contents, options.image_size, grey)
                if is_image
                else [numbers_in(one) for one in cells]
            )
            yield {"x": x, **({} if target is None else {"y": frame[target].to_numpy()})}

    return Stream(where, lambda: part(None), samples, names=_class_names(names, target), part=part)


def _bytes(where: str, cell: Any) -> bytes:
    content = cell["bytes"] if isinstance(cell, Mapping) else cell
    if not isinstance(content, bytes):
        raise DataError(where, found="an image without bytes", expected="images in the file", do="save them in it")
    return content

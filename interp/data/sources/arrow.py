"""Parquet files, and data sets that the datasets library (Hugging Face) saved, read with pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.data.found import Found
from interp.data.lengths import TOKENS
from interp.data.options import DataOptions
from interp.data.sources.image_files import stacked
from interp.data.sources.paths import existing
from interp.data.sources.split_names import named_splits
from interp.data.sources.tables.frames import arrays_of_frames, check_names
from interp.data.sources.tables.frames import target_column as named_target
from interp.data.sources.tables.tokens import padded_tokens, token_columns
from interp.data.sources.unpacked import read_arrow, read_parquet
from interp.errors import DataError, UsageError, first_line
from interp.safety import read_mapping

if TYPE_CHECKING:
    import pandas as pd

INDEX = "dataset_dict.json"
STATE = "state.json"
INSTALL = "pip install 'interp[arrow]'"


def from_parquet(spec: str, options: DataOptions) -> Found:
    """Read a ``.parquet`` file as a table, or as images or arrays with their labels.

    Raises
    ------
    DataError
        If it is missing or damaged, or a value is missing.
    UsageError
        If pyarrow is not installed, or there is no such target column.
    """
    path = existing(spec)
    return _arrays(str(path), {"": [path]}, options)


def from_parquet_files(folder: Path, options: DataOptions) -> Found:
    """Read the parquet files of a folder, whose names begin with those of the splits."""
    return _arrays(str(folder), files_of_splits(folder), options)


def files_of_splits(folder: Path) -> dict[str, list[Path]]:
    """List the parquet files of each split of a folder; under no name where they are not called by splits.

    Parameters
    ----------
    folder
        Folder with parquet files, at any depth.
    """
    paths = sorted(folder.rglob("*.parquet"))
    files = named_splits(lambda name: [path for path in paths if path.name.startswith(name)] or None)
    return files or {"": paths}


def is_saved(folder: Path) -> bool:
    """Tell whether ``save_to_disk`` of the datasets library wrote a folder.

    Parameters
    ----------
    folder
        Any folder.
    """
    return (folder / INDEX).is_file() or (folder / STATE).is_file()


def from_saved(folder: Path, options: DataOptions) -> Found:
    """Read what ``save_to_disk`` of the datasets library wrote, without that library.

    Raises
    ------
    DataError
        If files are missing or damaged, or a list of files points out of the folder.
    UsageError
        If pyarrow is not installed.
    """
    if not (folder / INDEX).is_file():
        return _arrays(str(folder), {"": _arrow_files(folder)}, options)
    said = _read_json(folder / INDEX).get("splits")
    there = [str(name) for name in said] if isinstance(said, list) else []
    found = named_splits(lambda name: name if name in there else None)
    if not found:
        raise DataError(folder, found=f"splits {', '.join(there) or 'none'}", expected="train", do="name one's folder")
    files = {split: _arrow_files(folder / name) for split, name in found.items()}
    return _arrays(str(folder), files, options)


def _arrow_files(folder: Path) -> list[Path]:
    said = _read_json(folder / STATE).get("_data_files")
    listed = [one.get("filename") for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    names = [name for name in listed if isinstance(name, str) and Path(name).name == name]
    if not names or len(names) < len(listed):
        raise DataError(
            folder / STATE, found="no list of files", expected="names of files beside it", do="save it again"
        )
    return [existing(folder / name) for name in names]


def _read_json(path: Path) -> dict[str, Any]:
    return read_mapping(path, DataError, "save it again")


# --------------------------------------------------------------------------- tables -> arrays


def _arrays(where: str, files: Mapping[str, list[Path]], options: DataOptions) -> Found:
    """Read tables of columns; where one holds images or arrays, these are the inputs."""
    tables = {split: _table(paths) for split, paths in files.items()}
    first = next(iter(tables.values()))
    names = class_names(first.schema.metadata)
    frames = {split: _frame(where, table) for split, table in tables.items()}
    if not all(map(len, frames.values())):
        raise DataError(where, found="no rows", expected="one row a sample", do="give the whole table")
    whole = [str(name) for name, cells in next(iter(frames.values())).items() if is_whole_input(cells.iloc[0])]
    if not whole:
        found = arrays_of_frames(where, frames, options)
        target = named_target(list(next(iter(frames.values())).columns), options.target)
        return _with_classes(found, names.get(str(target)))
    return _with_classes(*_of_columns(where, frames, token_columns(whole) or whole[:1], names, options))


def _frame(where: str, table: Any) -> pd.DataFrame:
    """Give a table as pandas has it, of which each column has a name of its own."""
    check_names(where, table.column_names)
    with reading(Path(where)):
        found: pd.DataFrame = table.to_pandas()
    return found


def _of_columns(
    where: str,
    frames: Mapping[str, pd.DataFrame],
    columns: list[str],
    names: Mapping[str, list[str]],
    options: DataOptions,
) -> tuple[Found, list[str] | None]:
    """Take one column, or those of a tokenizer, as inputs and one of the others as targets.

    Targets are those that the user names, or of a column with names of classes.
    """
    others = [str(name) for name in next(iter(frames.values())).columns if name not in columns]
    named = [name for name in others if name in names]
    target = options.target if options.target or not named else named[0]
    target = named_target(others, target) if others else None
    arrays: dict[str, Any] = {}
    for split, frame in frames.items():
        for wanted in (*columns, *([] if target is None else [target])):
            if wanted not in frame.columns:
                raise DataError(
                    f"{where} ({split})",
                    found=f"columns {', '.join(map(str, frame.columns))}",
                    expected=f"{wanted} among them, as in the first split",
                    do="give the same columns to every split",
                )
        end = f"_{split}" if split else ""
        inputs = _inputs(where, {name: frame[name] for name in columns}, options.image_size)
        arrays |= {f"{name}{end}": array for name, array in inputs.items()}
        if target is not None:
            arrays[f"y{end}"] = frame[target].to_numpy()
    return Found(arrays, {}), names.get(str(target))


def _inputs(where: str, columns: Mapping[str, Iterable[Any]], side: int | None) -> dict[str, Any]:
    if TOKENS in columns:
        return padded_tokens(where, columns)
    (cells,) = columns.values()
    return {"x": _stack(where, cells, side)}


def _with_classes(found: Found, names: list[str] | None) -> Found:
    if names:
        found["target_names"] = tuple(names)
    return found


def is_whole_input(value: Any) -> bool:
    """Tell whether a cell of a table holds all of a sample: an image, or an array.

    Parameters
    ----------
    value
        Value of the cell.
    """
    return isinstance(value, np.ndarray | list | bytes) or (isinstance(value, Mapping) and "bytes" in value)


def _stack(where: str, cells: Iterable[Any], side: int | None) -> Any:
    """Give images as bytes (S, C, H, W), and lists of numbers as arrays."""
    values = list(cells)
    if isinstance(values[0], bytes | Mapping):
        contents: list[Any] = [value.get("bytes") if isinstance(value, Mapping) else value for value in values]
        if not all(isinstance(content, bytes) for content in contents):
            raise DataError(where, found="an image without bytes", expected="images in the file", do="save them in it")
        return stacked(where, contents, side)
    return [numbers_in(value) for value in values]


def numbers_in(value: Any) -> Any:
    """Turn arrays of arrays, as pyarrow gives nested lists, into lists of numbers.

    Parameters
    ----------
    value
        Value of a cell.
    """
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [numbers_in(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def _table(paths: list[Path]) -> Any:
    """Read and join the tables of several files."""
    with reading(paths[0]) as pa:
        from pyarrow import ipc, parquet

        if paths[0].suffix == ".parquet":
            return pa.concat_tables([read_parquet(parquet.ParquetFile(path), path) for path in paths])
        return pa.concat_tables([read_arrow(ipc, path) for path in paths])


def parquet_file(path: Path) -> Any:
    """Open a parquet file, of which row groups are read as they are asked for.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    UsageError
        If pyarrow is not installed.
    DataError
        If the file is missing or damaged.
    """
    with reading(existing(path)):
        from pyarrow import parquet

        return parquet.ParquetFile(path)


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """Say in one line what keeps a file from being read with pyarrow.

    Parameters
    ----------
    path
        Path of the file.

    Yields
    ------
    module
        The package pyarrow.

    Raises
    ------
    UsageError
        If it is not installed.
    DataError
        If the file is damaged.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(
            str(path), found="no pyarrow to read it with", expected="the package pyarrow", do=INSTALL
        ) from error
    try:
        yield pa
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(
            path, found=first_line(error), expected="a whole parquet or arrow file", do="save or copy it again"
        ) from error
    except MemoryError as error:
        raise DataError(
            path, found="a length beyond all memory", expected="a whole parquet or arrow file", do="copy it again"
        ) from error


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Read the names of classes that the datasets library keeps beside a column of labels.

    Parameters
    ----------
    metadata
        Metadata of a table's schema; None for none.
    """
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {str(name): list(map(str, one["names"])) for name, one in features.items() if "names" in one}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}

"""Data sets from tables, with one row for each sample and the target in one of the columns."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.sources.paths import existing
from interp.data.sources.tables.categories import encoded
from interp.data.sources.tables.csv_files import read_csv
from interp.data.sources.tables.gaps import filled, refuse_missing
from interp.errors import DataError, first_line, unknown_name
from interp.types import Inference

if TYPE_CHECKING:
    import pandas as pd

TARGET_COLUMNS = ("label", "labels", "target", "class", "y")
"""Usual names of the column to be predicted, in lower case."""

NO_NAMES = ("", "Unnamed: 0", "__index_level_0__")
"""Names of a first column without one: as it is, as pandas reads it from a CSV, and as it writes it to parquet."""

NO_TARGET = "none"
"""Name that a user gives where a table has no column to be predicted."""


def from_csv(spec: str, options: DataOptions) -> Found:
    """Read a ``.csv``; its target is ``options.target``, a column of a usual name, or the last.

    Raises
    ------
    DataError
        If a value is missing, or an input column holds neither numbers nor categories.
    UsageError
        If there is no such target column, or it is not clear whether the first line names the columns.
    """
    path = existing(spec)
    return arrays_of_frames(str(path), {"": read_csv(path, options)}, options)


def from_frame(frame: pd.DataFrame, options: DataOptions) -> Found:
    """Read a table in memory, as `from_csv` reads one from a file."""
    return arrays_of_frames("DataFrame", {"": frame}, options)


def arrays_of_frames(where: str, frames: Mapping[str, pd.DataFrame], options: DataOptions) -> Found:
    """Cut tables into inputs and targets.

    Parameters
    ----------
    where
        Name of the data in errors.
    frames
        Split, ``train`` first, or nothing where there is one table -> table with one row for each sample.
    options
        Target column, and what is done with missing values and text.

    Returns
    -------
    Found
        Name of an array -> the array, and names of columns and classes.

    Raises
    ------
    DataError
        If a value is missing, or an input column holds neither numbers nor categories.
    UsageError
        If there is no such target column.
    """
    named = {split: _with_names(where, frame) for split, frame in frames.items()}
    lengths = [len(frame) for frame in named.values()]
    if not all(lengths):
        raise DataError(where, found="no rows below the header", expected="one row a sample", do="give the whole table")
    whole, rows = _without_row_numbers(_joined(list(named.values())), lengths)
    name = target_column(list(whole.columns), options.target)
    inputs = whole if name is None else whole.drop(columns=[name])
    if name is not None:
        refuse_missing(where, whole[[name]], "drop such rows")
    found = inputs_of_frame(where, inputs, options, lengths[0])
    targets = {} if name is None else target_of_column(where, whole[name])
    arrays = {"x": found.pop("x"), **({"y": targets.pop("y")} if targets else {})}
    ends = [f"_{split}" if split else "" for split in named]
    cut = np.cumsum(lengths)[:-1]
    parts = {
        f"{key}{end}": part
        for key, array in arrays.items()
        for end, part in zip(ends, np.split(array, cut), strict=True)
    }
    return Found({**parts, **found, **targets}, rows | found.facts)


def inputs_of_frame(
    where: str, frame: pd.DataFrame, options: DataOptions = DataOptions(), training: int | None = None
) -> Found:
    """Give columns as inputs (S, D) float64 with their names.

    Parameters
    ----------
    where
        Name of the data in errors.
    frame
        Table of inputs, with one row for each sample, the training rows first.
    options
        Options on missing values and text.
    training
        Number of training rows; None for all.

    Raises
    ------
    DataError
        If a value is missing, or a column holds neither numbers nor categories.
    """
    frame = _with_names(where, frame)
    frame, gaps = filled(where, frame, len(frame) if training is None else training, options.fill)
    frame, categories = encoded(where, frame, options.categories)
    values = frame.to_numpy(np.float64) if len(frame.columns) else frame.to_numpy()
    return Found({"x": values, "feature_names": tuple(frame.columns)}, gaps | categories)


def target_of_column(where: str, column: pd.Series) -> dict[str, Any]:
    """Give numbers as they are, and words as class indices in alphabetical order, with the names of the classes.

    Parameters
    ----------
    where
        Name of the data in errors.
    column
        Column to be predicted.

    Raises
    ------
    DataError
        If it holds lists or records.

    Examples
    --------
    >>> import pandas as pd
    >>> target_of_column("mine", pd.Series(["dog", "cat"]))
    {'y': array([1, 0]), 'target_names': ('cat', 'dog')}
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return {"y": column.to_numpy()}
    try:
        codes, names = pd.factorize(column, sort=True)
    except TypeError as error:
        raise DataError(
            where,
            found=f"lists or records in column {column.name!r} ({first_line(error)})",
            expected="one number or word a row as the target",
            do="name another column with --target",
        ) from error
    return {"y": codes, "target_names": tuple(map(str, names))}


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the rows of tables below each other."""
    import pandas as pd

    if len(frames) == 1:  # such as a part of a stream, which a thread may read
        return frames[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of columns that are empty in a split: refused, or filled
        return pd.concat(frames, ignore_index=True)


def _without_row_numbers(frame: pd.DataFrame, lengths: Sequence[int]) -> tuple[pd.DataFrame, dict[str, Inference]]:
    """Leave out a first column that has no name and counts the rows of each table, as pandas saves its index."""
    if (
        frame.columns[0] not in NO_NAMES
        or len(frame.columns) < 2
        or len(frame) < 3
        or frame.dtypes.iloc[0].kind not in "iu"
    ):
        return frame, {}
    steps = np.diff(frame.iloc[:, 0].to_numpy())
    within = np.delete(steps, np.cumsum(lengths)[:-1] - 1)
    if not (within == 1).all() or abs(int(frame.iloc[0, 0])) > 1:
        return frame, {}
    why = "the first column has no name and counts the rows, as pandas writes its index; give it a name to keep it"
    return frame.iloc[:, 1:], {"columns": Inference("row numbers left out", "likely", why)}


def _with_names(where: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Turn the names of columns into texts, and check that each occurs once."""
    named = frame.set_axis(frame.columns.map(str), axis=1)
    check_names(where, list(named.columns))
    return named


def check_names(where: str, names: Sequence[str]) -> None:
    """Raise `DataError` where two columns have one name.

    Parameters
    ----------
    where
        Name of the data in errors.
    names
        Names of all columns.
    """
    doubled = next((name for name, count in Counter(names).items() if count > 1), None)
    if doubled is not None:
        raise DataError(
            where, found=f"several columns {doubled!r}", expected="one of each name", do="rename or drop some"
        )


def target_column(columns: list[str], given: str | None) -> str | None:
    """Name the column to be predicted: the user's, one of a usual name, or the last; None where there is to be none.

    Parameters
    ----------
    columns
        Names of all columns.
    given
        Name of the column as the user gave it, or ``none``; None where it is to be found.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    if given is not None and given not in columns:
        if given == NO_TARGET:
            return None
        raise unknown_name("--target", given, [*columns, NO_TARGET])
    return given or next((name for name in columns if name.lower() in TARGET_COLUMNS), columns[-1])

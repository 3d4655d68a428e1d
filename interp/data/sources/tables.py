"""Data sets from tables of numbers, with one row for each sample and the target in one of the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from interp.data.options import DataOptions
from interp.data.sources.paths import existing
from interp.errors import DataError, first_line, unknown_name

if TYPE_CHECKING:
    import pandas as pd

TARGET_COLUMNS = ("label", "labels", "target", "class", "y")
"""Usual names of the column to be predicted, in lower case."""

NO_TARGET = "none"
"""Name that a user gives where a table has no column to be predicted."""


def from_csv(spec: str, options: DataOptions) -> dict[str, Any]:
    """Read a ``.csv`` with a header; its target is ``options.target``, a column of a usual name, or the last.

    Raises
    ------
    DataError
        If a value is missing, or an input column holds text.
    UsageError
        If there is no such target column.
    """
    import pandas as pd

    path = existing(spec)
    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise DataError(
            path, found=first_line(error), expected="comma-separated columns", do="check the file"
        ) from error
    return arrays_of_frame(str(path), frame, options.target)


def from_frame(frame: pd.DataFrame, options: DataOptions) -> dict[str, Any]:
    """Read a table in memory, as `from_csv` reads one from a file."""
    return arrays_of_frame("DataFrame", frame, options.target)


def arrays_of_frame(where: str, frame: pd.DataFrame, target: str | None) -> dict[str, Any]:
    """Cut a table into inputs and target.

    Parameters
    ----------
    where
        Name of the data in errors.
    frame
        Table with one row for each sample.
    target
        Name of the column to be predicted, or ``none``; None for a usual name, or the last column.

    Returns
    -------
    dict
        Name of an array -> the array, and names of columns and classes.

    Raises
    ------
    DataError
        If a value is missing, or an input column holds text.
    UsageError
        If there is no such target column.
    """
    frame = _with_names(where, frame)
    if not len(frame):
        raise DataError(where, found="no rows below the header", expected="one row a sample", do="give the whole table")
    name = _target_column(list(frame.columns), target)
    _refuse_missing(frame, where)
    inputs = inputs_of_frame(where, frame if name is None else frame.drop(columns=[name]), name)
    return inputs if name is None else {**inputs, **target_of_column(frame[name])}


def inputs_of_frame(where: str, frame: pd.DataFrame, target: str | None = None) -> dict[str, Any]:
    """Give columns of numbers as inputs (S, D) float64 with their names.

    Parameters
    ----------
    where
        Name of the data in errors.
    frame
        Table of inputs, with one row for each sample.
    target
        Name of the column that was taken as the target, for the error; None where there is none.

    Raises
    ------
    DataError
        If a value is missing, or a column holds no numbers.
    """
    frame = _with_names(where, frame)
    _refuse_missing(frame, where)
    _refuse_text(frame, target, where)
    values = frame.to_numpy(np.float64) if len(frame.columns) else frame.to_numpy()
    return {"x": values, "feature_names": tuple(frame.columns)}


def target_of_column(column: pd.Series) -> dict[str, Any]:
    """Give numbers as they are, and words as class indices in alphabetical order, with the names of the classes.

    Parameters
    ----------
    column
        Column to be predicted.

    Examples
    --------
    >>> import pandas as pd
    >>> target_of_column(pd.Series(["dog", "cat"]))
    {'y': array([1, 0]), 'target_names': ('cat', 'dog')}
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return {"y": column.to_numpy()}
    codes, names = pd.factorize(column, sort=True)
    return {"y": codes, "target_names": tuple(map(str, names))}


def _with_names(where: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Turn the names of columns into texts, and check that each occurs once."""
    named = frame.set_axis(frame.columns.map(str), axis=1)
    doubled = named.columns[named.columns.duplicated()]
    if len(doubled):
        raise DataError(
            where, found=f"several columns {doubled[0]!r}", expected="one of each name", do="rename or drop some"
        )
    return named


def _target_column(columns: list[str], given: str | None) -> str | None:
    if given is not None and given not in columns:
        if given == NO_TARGET:
            return None
        raise unknown_name("--target", given, [*columns, NO_TARGET])
    return given or next((name for name in columns if name.lower() in TARGET_COLUMNS), columns[-1])


def _refuse_missing(frame: pd.DataFrame, where: str) -> None:
    missing = np.argwhere(frame.isna().to_numpy())
    if len(missing):
        row, column = missing[0]
        raise DataError(
            where,
            found=f"no value in column {str(frame.columns[column])!r} of row {row + 1}, one of {len(missing):,} gaps",
            expected="a value in every cell",
            do="fill or drop such rows as in training",
        )


def _refuse_text(inputs: pd.DataFrame, target: str | None, where: str) -> None:
    """Refuse categories: no file says in which order, or as how many columns, a network takes them."""
    import pandas as pd

    types = pd.api.types
    text = [
        column
        for column in inputs.columns
        if not types.is_numeric_dtype(inputs[column]) or types.is_complex_dtype(inputs[column])
    ]
    if text:
        others = f"the target {target!r}" if target is not None else "none"
        kind = inputs[text[0]].dtype
        what = "text" if types.is_string_dtype(kind) or types.is_object_dtype(kind) else f"values of type {kind}"
        raise DataError(
            where,
            found=f"{what} in column {text[0]!r}",
            expected=f"numbers in every column but {others}",
            do="encode it as in training (one column a category?), drop it, or name the target with --target",
        )

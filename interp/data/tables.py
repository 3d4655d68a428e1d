"""Data sets from tables of numbers, one row a sample, with the target in one of the columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.data.assemble import existing, from_mapping
from interp.data.options import DataOptions
from interp.errors import DataError, first_line, unknown_name
from interp.types import Array, Dataset

if TYPE_CHECKING:
    import pandas as pd

TARGET_COLUMNS = ("label", "labels", "target", "class", "y")
NO_TARGET = "none"


def from_csv(spec: str, options: DataOptions) -> Dataset:
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
    if not len(frame):
        raise DataError(path, found="no rows below the header", expected="one row a sample", do="give the whole table")
    target = _target_column([str(column) for column in frame.columns], options.target)
    frame.columns = frame.columns.map(str)
    _refuse_missing(frame, path)
    inputs = frame if target is None else frame.drop(columns=[target])
    _refuse_text(inputs, target, path)
    arrays: dict[str, Array] = {"x": inputs.to_numpy(np.float64) if len(inputs.columns) else inputs.to_numpy()}
    classes: tuple[str, ...] = ()
    if target is not None:
        arrays["y"], classes = _target(frame[target])
    return from_mapping(spec, arrays, classes=classes, features=tuple(inputs.columns))


def _target_column(columns: list[str], given: str | None) -> str | None:
    if given is not None and given not in columns:
        if given == NO_TARGET:
            return None
        raise unknown_name("--target", given, [*columns, NO_TARGET])
    return given or next((name for name in columns if name.lower() in TARGET_COLUMNS), columns[-1])


def _target(column: Any) -> tuple[Array, tuple[str, ...]]:
    """Give numbers as they are, and words as class indices in alphabetical order with their names."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(), ()
    codes, names = pd.factorize(column, sort=True)
    return codes, tuple(map(str, names))


def _refuse_missing(frame: pd.DataFrame, path: Path) -> None:
    missing = np.argwhere(frame.isna().to_numpy())
    if len(missing):
        row, column = missing[0]
        raise DataError(
            path,
            found=f"no value in column {str(frame.columns[column])!r} of row {row + 1}, one of {len(missing):,} gaps",
            expected="a value in every cell",
            do="fill or drop such rows as in training",
        )


def _refuse_text(inputs: pd.DataFrame, target: str | None, path: Path) -> None:
    """Refuse categories: in which order a network read them, as how many columns, is in no file."""
    import pandas as pd

    text = [column for column in inputs.columns if not pd.api.types.is_numeric_dtype(inputs[column])]
    if text:
        others = f"the target {target!r}" if target is not None else "none"
        raise DataError(
            path,
            found=f"text in column {text[0]!r}",
            expected=f"numbers in every column but {others}",
            do="encode it as in training (one column a category?), drop it, or name the target with --target",
        )

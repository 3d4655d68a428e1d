"""Missing values of a table: refused with the column's name, or filled as the user says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from interp.errors import DataError, unknown_name
from interp.types import Inference

if TYPE_CHECKING:
    import pandas as pd

FILLS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "mean": lambda rows: rows.mean(),
    "median": lambda rows: rows.median(),
    "zero": lambda rows: 0 * rows.count(),
}
"""Name -> function of training rows that gives a value for each column."""


def filled(
    where: str, inputs: pd.DataFrame, training: int, fill: str | None
) -> tuple[pd.DataFrame, dict[str, Inference]]:
    """Put a statistic of the training rows in the place of missing numbers.

    Parameters
    ----------
    where
        Name of the data in errors.
    inputs
        Table of inputs, the training rows first.
    training
        Number of training rows.
    fill
        One of `FILLS`; None to refuse missing values.

    Returns
    -------
    inputs
        Table without missing values.
    facts
        Fact ``missing_values``; empty where there are none.

    Raises
    ------
    DataError
        If values are missing and none are to be filled in, or a column has none to tell a statistic, or holds text.
    UsageError
        If there is no such statistic.

    Examples
    --------
    >>> import pandas as pd
    >>> filled("mine", pd.DataFrame({"a": [1.0, None, 3.0]}), 3, "mean")[0]["a"].tolist()
    [1.0, 2.0, 3.0]
    """
    if fill is not None and fill not in FILLS:
        raise unknown_name("--fill", fill, FILLS)
    gaps = inputs.isna().sum()
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return inputs, {}
    if fill is None:
        refuse_missing(where, inputs, f"fill such rows as in training: --fill {', '.join(FILLS)}; or drop them")
    named = list(gaps.index)
    numbers = inputs[named].select_dtypes("number")
    text = [name for name in named if name not in numbers.columns]
    values = FILLS[str(fill)](numbers.iloc[:training])
    bare = [*text, *values.index[values.isna()]]
    if bare:
        raise DataError(
            where,
            found=f"{counted(int(gaps[bare[0]]))} in column {bare[0]!r}, which has no {fill}",
            expected="numbers in it",
            do="drop the column, or fill it in the file as in training",
        )
    said = f"{counted(int(gaps.sum()))} in {', '.join(map(repr, named[:6]))}{', ...' * (len(named) > 6)}"
    value = "zero" if fill == "zero" else f"{fill} of the training rows"
    return inputs.fillna(values), {"missing_values": Inference(value, "certain", f"given with --fill; {said}")}


def counted(gaps: int) -> str:
    """Write a number of gaps.

    Parameters
    ----------
    gaps
        Number of missing values.

    Examples
    --------
    >>> counted(1), counted(2000)
    ('1 gap', '2,000 gaps')
    """
    return f"{gaps:,} gap{'s' * (gaps != 1)}"


def refuse_missing(where: str, table: pd.DataFrame, do: str) -> None:
    """Raise `DataError` with the column and row of the first missing value of a table, if there is one.

    Parameters
    ----------
    where
        Name of the data in errors.
    table
        Table with one row for each sample.
    do
        Next step for the user.
    """
    missing = np.argwhere(table.isna().to_numpy())
    if len(missing):
        row, column = missing[0]
        gaps = f"one of {len(missing):,} gaps" if len(missing) > 1 else "the only gap"
        raise DataError(
            where,
            found=f"no value in column {str(table.columns[column])!r} of row {row + 1}, {gaps}",
            expected="a value in every cell",
            do=do,
        )

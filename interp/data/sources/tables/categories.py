"""Columns of text -> columns of numbers, in an order that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp.errors import DataError, unknown_name
from interp.types import Array, Dataset, Inference

if TYPE_CHECKING:
    import pandas as pd

ENCODINGS = ("one-hot", "drop-first", "codes")

MOST_CATEGORIES = 100
"""Largest number of different values of a column that are categories; more are names or notes."""


def encoded(where: str, inputs: pd.DataFrame, encoding: str) -> tuple[pd.DataFrame, dict[str, Inference]]:
    """Encode columns of text as `pandas.get_dummies` does: behind the numbers, each column's categories in their order.

    Parameters
    ----------
    where
        Name of the data in errors.
    inputs
        Table of inputs without missing values.
    encoding
        One of `ENCODINGS`; ``codes`` leaves columns in their places.

    Returns
    -------
    inputs
        Table of numbers.
    facts
        Fact ``categories`` with the order; empty where all columns are numbers.

    Raises
    ------
    DataError
        If a column holds neither numbers nor few different texts.
    UsageError
        If there is no such encoding.

    Examples
    --------
    >>> import pandas as pd
    >>> table, facts = encoded("mine", pd.DataFrame({"colour": ["red", "blue"], "size": [1, 2]}), "one-hot")
    >>> list(table.columns), facts["categories"].value
    (['size', 'colour=blue', 'colour=red'], 'one-hot')
    """
    import pandas as pd

    if encoding not in ENCODINGS:
        raise unknown_name("--categories", encoding, ENCODINGS)
    text = [column for column in inputs.columns if not _is_number(inputs[column])]
    if not text:
        return inputs, {}
    known = {column: _categories(where, inputs[column]) for column in text}
    codes = {name: _codes(inputs[name], known[name]) for name in text}
    if encoding == "codes":
        table = pd.DataFrame({name: codes.get(name, inputs[name]) for name in inputs.columns}, index=inputs.index)
    else:  # not by pandas.get_dummies, which takes a millisecond a column
        first = int(encoding == "drop-first")
        ones = [np.eye(len(known[name]))[codes[name].astype(int), first:] for name in text]
        named = [f"{name}={category}" for name in text for category in known[name][first:]]
        made = pd.DataFrame(np.concatenate(ones, axis=1), index=inputs.index, columns=named)
        table = pd.concat([inputs.drop(columns=text), made], axis=1)
    return table, {"categories": _fact(encoding, known)}


def fitting_rows(data: Dataset) -> str:
    """Say what to do about rows of another width than a network's, which an encoding of categories can be.

    Parameters
    ----------
    data
        Data set whose rows do not fit.
    """
    if "categories" not in data.facts:
        return "give its own data"
    return f"give its own data, or say with --categories how its text was encoded: {', '.join(ENCODINGS)}"


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    types = pd.api.types
    return bool(types.is_numeric_dtype(column) and not types.is_complex_dtype(column))


def _categories(where: str, column: pd.Series) -> list[str]:
    """Give the categories of a column: a pandas category's own order, else the alphabet."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(name) for name in column.cat.categories]
    types = pd.api.types
    is_text = types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)
    names = sorted({str(value) for value in column}) if is_text else []
    if not names or len(names) > MOST_CATEGORIES:
        what = f"text of {len(names):,} different values" if names else f"values of type {column.dtype}"
        raise DataError(
            where,
            found=f"{what} in column {column.name!r}",
            expected=f"numbers, or at most {MOST_CATEGORIES} categories",
            do="drop it, encode it as in training, or name the target with --target",
        )
    return names


def _codes(column: pd.Series, names: list[str]) -> Array:
    """Give the place of each value among the categories, as float64."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[str(value)] for value in column], np.float64)


def _fact(encoding: str, known: dict[str, list[str]]) -> Inference:
    shown = "; ".join(f"{name}: {', '.join(values[:6])}{', ...' * (len(values) > 6)}" for name, values in known.items())
    place = "in the columns' own places" if encoding == "codes" else "behind the numbers, as pandas.get_dummies does"
    return Inference(encoding, "likely", f"{place}, in this order: {shown}; another encoding with --categories")

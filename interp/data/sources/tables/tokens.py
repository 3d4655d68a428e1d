"""Columns that a tokenizer wrote: token numbers, with the mask and the types of tokens beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from interp.data.lengths import MASK, OF_TOKENIZER, TOKENS
from interp.errors import DataError
from interp.types import Array


def token_columns(columns: Iterable[str]) -> list[str]:
    """Name the columns of a tokenizer among others, in their order; none where the token numbers are not there.

    Parameters
    ----------
    columns
        Names of all columns.

    Examples
    --------
    >>> token_columns(["text", "input_ids", "attention_mask", "label"]), token_columns(["attention_mask"])
    (['input_ids', 'attention_mask'], [])
    """
    names = list(columns)
    return [name for name in names if name in OF_TOKENIZER] if TOKENS in names else []


def padded_tokens(where: str, columns: Mapping[str, Iterable[Any]]) -> dict[str, Array]:
    """Pad the rows of a tokenizer's columns with zeros at their ends, as their mask says, which is made if it lacks.

    Parameters
    ----------
    where
        Name of the data in errors.
    columns
        Name of a column -> list or array of whole numbers of each row.

    Returns
    -------
    arrays
        Name of an array -> rows (S, T), int64.

    Raises
    ------
    DataError
        If rows hold something else, or columns differ in the lengths of their rows.

    Examples
    --------
    >>> padded_tokens("mine", {"input_ids": [[5, 6, 7], [8]]})["attention_mask"].tolist()
    [[1, 1, 1], [1, 0, 0]]
    """
    rows = {name: [_whole(where, name, cell) for cell in cells] for name, cells in columns.items()}
    lengths = [len(row) for row in rows[TOKENS]]
    for name, cells in rows.items():
        odd = next((place for place, row in enumerate(cells) if len(row) != lengths[place]), None)
        if odd is not None:
            raise DataError(
                where,
                found=f"{len(cells[odd])} values of {name} beside {lengths[odd]} of {TOKENS} in row {odd}",
                expected="as many of each",
                do="make them match",
            )
    rows.setdefault(MASK, [np.ones(length, np.int64) for length in lengths])
    return {name: _padded(cells, max(lengths)) for name, cells in rows.items()}


def _whole(where: str, name: str, cell: Any) -> Array:
    row = np.asarray(cell)
    if row.ndim != 1 or row.dtype.kind not in "biu" or not len(row):
        raise DataError(
            where,
            found=f"{name} with a row of shape {row.shape} and type {row.dtype}",
            expected="a list of whole numbers a row",
            do="leave the column out, or tokenize anew",
        )
    return row.astype(np.int64)


def _padded(rows: list[Array], steps: int) -> Array:
    return np.stack([np.pad(row, (0, steps - len(row))) for row in rows])

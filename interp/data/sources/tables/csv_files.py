"""A ``.csv`` file -> a table: what separates its columns, and whether its first line names them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from interp.data.options import DataOptions
from interp.errors import DataError, UsageError, first_line, unknown_name

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = (",", ";", "\t", "|")
LONGEST = 1_000_000
"""Number of characters of a first line beyond which it is no table's."""


def read_csv(path: Path, options: DataOptions) -> pd.DataFrame:
    """Read a table whose columns are separated by commas, semicolons, tabs or bars.

    Where semicolons separate columns and commas stand within numbers, these are decimal commas.

    Raises
    ------
    DataError
        If the file is no such table.
    UsageError
        If the first line holds numbers as the rows do, and the user does not say whether they are names of columns; or
        if columns have no names and the user names no target.
    """
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first, second = file.readline(LONGEST), file.readline(LONGEST)
        mark = _separator(first)
        lines = [next(csv.reader([line], delimiter=mark), []) for line in (first, second)]
        named = _is_named(path, lines, mark, options.header)
        if not named:
            _ask_for_target(path, len(lines[0]), options.target)
        decimal = "," if mark == ";" and re.search(r"\d,\d", second) and "." not in second else "."
        frame = pd.read_csv(
            path, sep=mark, decimal=decimal, header=0 if named else None, encoding="utf-8-sig", skipinitialspace=True
        )
    except (ValueError, OSError, csv.Error) as error:
        raise DataError(
            path, found=first_line(error), expected="columns separated by commas", do="check the file"
        ) from error
    return frame.set_axis(frame.columns.map(str), axis=1)


def _separator(line: str) -> str:
    """Give the mark that cuts a line into most fields; a comma where none does."""
    return max(SEPARATORS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def _is_named(path: Path, lines: Sequence[list[str]], mark: str, given: str | None) -> bool:
    """Whether the first line names the columns: as the user says, or else as the first two lines tell."""
    if given is not None:
        if given not in ("yes", "no"):
            raise unknown_name("--header", given, ("yes", "no"))
        return given == "yes"
    cells, below = lines
    numbers = [_number(cell, mark) for cell in cells]
    if _are_names(numbers) or any(
        cell and number is None and _number(under, mark) is not None
        for cell, number, under in zip(cells, numbers, below, strict=False)
    ):
        return True
    raise UsageError(
        str(path),
        found=f"a first line of {'numbers alone' if None not in numbers else 'numbers and words, as rows are'}"
        f" ({', '.join(cells[:4])}{', ...' * (len(cells) > 4)})",
        expected="names of columns",
        do="pass --header no where it is a row like the others, --header yes where these are names",
    )


def _are_names(numbers: Sequence[float | None]) -> bool:
    """Whether no cell of a line is a number, or those that are count or rise, as pixels and years in names do."""
    found = [number for number in numbers if number is not None]
    if None not in numbers:
        return not found or (len(found) > 3 and any(found == [*range(s, s + len(found))] for s in (0, 1)))
    return not found or (len(found) > 3 and all(one.is_integer() and one < two for one, two in pairwise(found)))


def _number(cell: str, mark: str) -> float | None:
    try:
        return float(cell.replace(",", ".") if mark == ";" else cell)
    except ValueError:
        return None


def _ask_for_target(path: Path, columns: int, target: str | None) -> None:
    if target is None:
        raise UsageError(
            str(path),
            found=f"{columns} columns without names",
            expected="to know which of them is the target",
            do=f"pass --target 0 for the first, --target {columns - 1} for the last, or --target none",
        )

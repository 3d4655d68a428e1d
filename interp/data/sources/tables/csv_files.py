"""A ``.csv`` file -> a table: what separates its columns, and whether its first line names them."""

from __future__ import annotations

import csv
import re
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
        If the first line holds numbers, and the user does not say whether they are names of columns; or if columns
        have no names and the user names no target.
    """
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first, second = file.readline(LONGEST), file.readline(LONGEST)
        mark = _separator(first)
        named = _is_named(path, next(csv.reader([first], delimiter=mark), []), options.header)
        if not named:
            _ask_for_target(path, len(next(csv.reader([first], delimiter=mark))), options.target)
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


def _is_named(path: Path, cells: list[str], given: str | None) -> bool:
    """Whether the first line names the columns: as the user says, or else unless all of it are numbers in no row."""
    if given is not None:
        if given not in ("yes", "no"):
            raise unknown_name("--header", given, ("yes", "no"))
        return given == "yes"
    numbers = [_number(cell) for cell in cells]
    count = range(len(cells))
    counted = len(cells) > 3 and any(numbers == [float(place + start) for place in count] for start in (0, 1))
    if not cells or None in numbers or counted:
        return True
    raise UsageError(
        str(path),
        found=f"a first line of numbers alone ({', '.join(cells[:4])}{', ...' * (len(cells) > 4)})",
        expected="names of columns",
        do="pass --header no where it is a row like the others, --header yes where these are names",
    )


def _number(cell: str) -> float | None:
    try:
        return float(cell)
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

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
LONGEST = 10_000_000
"""Number of characters of a first line beyond which it is no table's: half a million columns have five million."""

LEAST_RISING = 4
"""Least number of whole numbers that count or rise in a first line for them to be names."""

MISSING = {"?", "NA", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "<NA>", "NULL", "null", "None"} | {
    f"{sign}1.#{name}" for sign in ("", "-") for name in ("IND", "QNAN")
}
"""Marks of missing values: those of pandas that are no number to Python, and that of older archives."""


def read_csv(path: Path, options: DataOptions) -> pd.DataFrame:
    """Read a table whose columns are separated by commas, semicolons, tabs or bars.

    Where semicolons separate columns and commas stand within numbers, these are decimal commas.

    Raises
    ------
    DataError
        If the file is no such table.
    UsageError
        If the first line holds numbers or missing values as the rows do, and the user does not say whether they are
        names of columns; or if columns have no names and the user names no target.
    """
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first, second = file.readline(LONGEST), file.readline(LONGEST)
        if len(first) == LONGEST:
            raise ValueError(f"a first line of {LONGEST:,} characters or more")
        mark = _separator(first)
        lines = [_cells(line, mark) for line in (first, second)]
        named = _is_named(path, lines, mark, options.header)
        if not named:
            _ask_for_target(path, len(lines[0]), options.target)
        goes_on = first.count('"') % 2  # in the next line, within quotes
        names = _apart(lines[0]) if named and not goes_on else None
        decimal = "," if mark == ";" and re.search(r"\d,\d", second) and "." not in second else "."
        frame = pd.read_csv(
            path,
            sep=mark,
            decimal=decimal,
            header=0 if named and names is None else None,
            names=names,
            skiprows=0 if names is None else 1,
            encoding="utf-8-sig",
            skipinitialspace=True,
        )
    except (ValueError, OSError) as error:
        raise DataError(
            path, found=first_line(error), expected="columns separated by commas", do="check the file"
        ) from error
    return frame.set_axis(frame.columns.map(str), axis=1)


def _apart(names: list[str]) -> list[str] | None:
    """Tell columns of one name apart as pandas does: a, a.1, a.2; None where all differ.

    pandas looks through all names for each of them: minutes for a line of a megabyte.
    """
    if len(set(names)) == len(names):
        return None
    found = [name or f"Unnamed: {place}" for place, name in enumerate(names)]
    known, counts = set(found), dict.fromkeys(found, 0)
    for place in sorted(range(len(names)), key=lambda place: names[place] == ""):  # those without a name come last
        name = new = found[place]
        number = counts[name]
        while number > 0:
            counts[name], new = number + 1, f"{name}.{number}"
            number = number + 1 if new in known else counts.get(new, 0)
        known.add(new)
        counts[new], found[place] = number + 1, new
    return found


def _separator(line: str) -> str:
    """Give the mark that cuts a line into most fields; a comma where none does."""
    return max(SEPARATORS, key=lambda mark: len(_cells(line, mark)))


def _cells(line: str, mark: str) -> list[str]:
    """Cut a line into cells; none where one is longer than the module allows, as a line is that a mark does not cut."""
    try:
        return next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    except csv.Error:
        return []


def _is_named(path: Path, lines: Sequence[list[str]], mark: str, given: str | None) -> bool:
    """Whether the first line names the columns: as the user says, or else as the first two lines tell."""
    if given is not None:
        if given not in ("yes", "no"):
            raise unknown_name("--header", given, ("yes", "no"))
        return given == "yes"
    cells, below = ([cell.strip() for cell in line] for line in lines)
    numbers, under = ([_number(cell, mark) for cell in line] for line in (cells, below))
    if any(_is_word(cell, mark) and number is not None for cell, number in zip(cells, under, strict=False)):
        return True
    has_gap = not MISSING.isdisjoint(cells)
    if not has_gap and _are_names(numbers, _differ(cells, below, mark)):
        return True
    kind = "numbers alone" if None not in numbers else "numbers and words, as rows are"
    raise UsageError(
        str(path),
        found=f"a first line {'with a missing value, as rows have' if has_gap else f'of {kind}'}"
        f" ({', '.join(cells[:4])}{', ...' * (len(cells) > 4)})",
        expected="names of columns",
        do="pass --header no where it is a row like the others, --header yes where these are names",
    )


def _are_names(numbers: Sequence[float | None], do_differ: bool) -> bool:
    """Whether no cell of a line is a number, or those that are count or rise, as pixels and years in names do.

    Those of a row may rise by chance: beside words, numbers that rise are names only where the cells below differ.
    """
    found = [number for number in numbers if number is not None]
    if len(found) < LEAST_RISING:
        return not found
    if None not in numbers:
        return any(found == [*range(s, s + len(found))] for s in (0, 1))
    do_rise = all(one.is_integer() and one < two for one, two in pairwise(found))
    return do_rise and (do_differ or found[-1] - found[0] == len(found) - 1)


def _differ(cells: Sequence[str], below: Sequence[str], mark: str) -> bool:
    """Whether cells below whole numbers and words are of another kind: a word, fractions alone, pandas' index."""
    pairs = [(_number(cell, mark), under) for cell, under in zip(cells, below, strict=False)]
    found = [_number(under, mark) for _, under in pairs]
    if any(number is not None and _is_word(under, mark) for number, under in pairs):
        return True
    is_index = cells[:1] == [""] and found[:1] != [None]
    return is_index or not any(number.is_integer() for number in found if number is not None)


def _is_word(cell: str, mark: str) -> bool:
    return cell != "" and cell not in MISSING and _number(cell, mark) is None


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

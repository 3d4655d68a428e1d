"""Description of the classes in a file, in Markdown: made from their fields, put into the page on the format of files.

python -m interp.store.describe docs/format.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from interp.store.atomic import write_text
from interp.store.elements import CLASSES
from interp.types import Recording
from interp.types.annotations.fields import field_meanings, field_types
from interp.types.annotations.shapes import AXES, Columns, Shape

BEGIN = "<!-- made by python -m interp.store.describe docs/format.md; do not edit by hand -->"
END = "<!-- end of what is made -->"
RECORDED = {
    "labels": "labels",
    "predictions": "predictions",
    "kept": "kept",
    "z/LAYER/values": "z",
    "z/LAYER/position": "position",
    "z/LAYER/output_range": "output_range",
    "z/LAYER/output_mean": "output_mean",
    "z/LAYER/active_share": "active_share",
    "z/LAYER/rounding": "rounding",
}
"""Path within a split of a recording -> field of `Recording`."""

NAMES = {int: "whole number", float: "number", str: "text"}


def described(page: str) -> str:
    """Put the description in its place on a page.

    Parameters
    ----------
    page
        Text of the page, in Markdown.

    Raises
    ------
    ValueError
        If the page has no such place.
    """
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"no place between {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{description()}\n{END}{after}"


def description() -> str:
    """Describe the axes and all classes that may stand in a file, in Markdown."""
    axes = [("axis", "what lies along it"), *((f"{letter}", text) for letter, text in AXES.items())]
    classes = (line for cls in CLASSES.values() for line in _class(cls))
    return "\n".join([*_table(axes), "### Recording\n", *_recording(), *classes])


def _class(cls: type) -> Iterator[str]:
    """Yield the lines that describe a class."""
    yield f"### {cls.__name__}\n"
    types, meanings = field_types(cls), field_meanings(cls)
    rows = [("field", "what it holds", "meaning")]
    for meaning, group in groupby(types, key=meanings.__getitem__):
        names = list(group)
        holds = dict.fromkeys(_holds(types[name]) for name in names)
        rows.append((", ".join(f"`{name}`" for name in names), "; ".join(holds), _markdown(meaning)))
    yield from _table(rows)


def _recording() -> Iterator[str]:
    """Yield the lines that describe what a split of a recording holds."""
    types, meanings = field_types(Recording), field_meanings(Recording)
    rows = [("path in the split", "what it holds", "meaning")]
    for path, field in RECORDED.items():
        expected = get_args(types[field])[1] if path.startswith("z/") else types[field]
        meaning = meanings[field].removeprefix("Layer name -> ")
        rows.append((f"`{path}`", _holds(expected), _markdown(meaning[0].upper() + meaning[1:])))
    yield from _table(rows)


def _markdown(text: str) -> str:
    """Turn a docstring's literals into Markdown's."""
    return text.replace("``", "`")


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table, its first row as the head."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)
    yield ""


def _holds(expected: Any) -> str:
    """Say in words what a field of some type holds."""
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Annotated:
        said = [part for part in arguments[1:] if isinstance(part, Shape | Columns)]
        return _said(said[0]) if said else _holds(arguments[0])
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return f"name -> {_holds(arguments[1])}"
    if NoneType in arguments:
        inner = next(part for part in arguments if part is not NoneType)
        return f"{_holds(inner)}, or null"
    if arguments and all(isinstance(part, str) for part in arguments):
        return " or ".join(f"`{part}`" for part in arguments)
    return NAMES.get(expected) or (f"`{expected.__name__}`" if expected in CLASSES.values() else "plain values")


def _said(said: Shape | Columns) -> str:
    if isinstance(said, Shape):
        return f"{said} {said.holds}"
    parts = [f"{kind}: {', '.join(f'`{name}`' for name in names.split())}" for kind, names in _kinds(said) if names]
    return "; ".join(["table", *parts])


def _kinds(said: Columns) -> tuple[tuple[str, str], ...]:
    return ("text", said.text), ("numbers", said.numbers)


def main() -> None:
    """Write the description into the page that the command line names."""
    page = Path(sys.argv[1])
    write_text(page, described(page.read_text()))


if __name__ == "__main__":
    main()

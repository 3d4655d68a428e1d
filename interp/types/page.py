"""The parts of a page: sections, figures, tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interp.types.annotations.frames import pd
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Figure(ShortRepr):
    """One picture of the page.

    Attributes
    ----------
    name
        Name of the file under ``figures/``, without the ending.
    caption
        Caption in one or two sentences.
    draw
        Function that makes the matplotlib figure; called once, in a copy of the process where figures are many.
    nodes
        Layer and number of the nodes that it shows, in its order; links to their places stand below it.
    """

    name: str
    caption: str
    draw: Callable[[], Any]
    nodes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, repr=False)
class Table(ShortRepr):
    """One table of the page.

    Attributes
    ----------
    frame
        Table whose cells are numbers, texts or `interp.report.tables` cells; its index is not shown.
    caption
        Caption in one or two sentences.
    sortable
        Whether the rows can be ordered by a click on a column.
    meanings
        Name of a column -> explanation in a few words, which stands below its heading.
    """

    frame: pd.DataFrame
    caption: str
    sortable: bool = False
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Section(ShortRepr):
    """One part of the page.

    Attributes
    ----------
    title
        Title of the section.
    text
        Paragraphs, in order.
    figures
        Pictures, in order.
    tables
        Tables, in order.

    Examples
    --------
    >>> Section("Layers", ("Three layers.",)).title
    'Layers'
    """

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()

"""The parts of a page: sections, figures, tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Figure(ShortRepr):
    """One picture of the page.

    Attributes
    ----------
    name
        Name of the file under ``figures/``, without the ending.
    caption
        Caption in one or two sentences; also the text alternative.
    draw
        Function that makes the matplotlib figure; called once.
    """

    name: str
    caption: str
    draw: Callable[[], Any]


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
    """

    frame: pd.DataFrame
    caption: str
    sortable: bool = False


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

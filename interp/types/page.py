"""The parts of a page."""

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
        File stem under ``figures/``.
    caption
        What is seen, in one or two sentences; also the text alternative.
    draw
        Called once to make the matplotlib figure.
    """

    name: str
    caption: str
    draw: Callable[[], Any]


@dataclass(frozen=True, repr=False)
class Table(ShortRepr):
    """One table of the page; `sortable` ones can be ordered by a click on a column."""

    frame: pd.DataFrame
    caption: str
    sortable: bool = False


@dataclass(frozen=True, repr=False)
class Section(ShortRepr):
    """What one part of the page shows."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()

"""Cells of a table that are more than plain text and numbers.

Every cell has ``html()`` for the page, ``key()`` for sorting and ``json()`` for report.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from interp.report.tables import numbers


@dataclass(frozen=True)
class Shown:
    """A number as printed, with a smaller note.

    Attributes
    ----------
    value
        Number itself, unrounded.
    text
        Number as printed.
    note
        Words beside it in small print, such as its interval.
    """

    value: Any
    text: str
    note: str = ""

    def html(self) -> Markup:
        """Give the number, its note after it."""
        note = Markup('<small class="note">{}</small>').format(self.note) if self.note else ""
        return Markup('<span class="num">{}</span>{}').format(self.text, note)

    def key(self) -> Any:
        """Sort by the number itself."""
        return float(self.value) if numbers.finite(self.value) else ""

    def json(self) -> Any:
        """Keep the number, unrounded."""
        return self.value


@dataclass(frozen=True)
class Badge:
    """A word in a coloured pill.

    Attributes
    ----------
    text
        Word in the pill.
    tone
        Kind of boundary, or confidence, that gives the colour.
    """

    text: str
    tone: str = "plain"

    def html(self) -> Markup:
        """Give the pill."""
        return Markup('<span class="badge {}">{}</span>').format(self.tone, self.text)

    def key(self) -> str:
        """Sort by the word."""
        return self.text

    def json(self) -> str:
        """Keep the word."""
        return self.text


@dataclass(frozen=True)
class Code:
    """A name, digest or command, in a fixed-width face; whole on hover if cut.

    Attributes
    ----------
    text
        Whole text.
    length
        Number of characters beyond which the text is cut.
    """

    text: str
    length: int = 200

    def html(self) -> Markup:
        """Give the text, cut at the end where it is too long."""
        cut = self.text if len(self.text) <= self.length else self.text[: self.length] + "…"
        return Markup('<code title="{}">{}</code>').format(self.text, cut)

    def key(self) -> str:
        """Sort by the text."""
        return self.text

    def json(self) -> str:
        """Keep all of the text."""
        return self.text


@dataclass(frozen=True)
class Linked:
    """An answer that leads to where it comes from.

    Attributes
    ----------
    text
        Answer in a few words.
    place
        Address within the page, such as ``#reading``.
    note
        Words beside it in small print.
    """

    text: str
    place: str
    note: str = ""

    def html(self) -> Markup:
        """Give the link, with its note after it."""
        note = Markup('<small class="note">{}</small>').format(self.note) if self.note else ""
        return Markup('<a class="quiet" href="{}">{}</a>{}').format(self.place, self.text, note)

    def key(self) -> str:
        """Sort by the answer."""
        return self.text

    def json(self) -> str:
        """Keep the answer."""
        return self.text


@dataclass(frozen=True)
class Drawn:
    """A cell that is HTML already.

    Attributes
    ----------
    content
        HTML of the cell.
    text
        Words of the cell, for sorting and for report.json.
    """

    content: Markup
    text: str = ""

    def html(self) -> Markup:
        """Give the HTML."""
        return self.content

    def key(self) -> str:
        """Sort by what it says."""
        return self.text

    def json(self) -> str:
        """Keep what it says."""
        return self.text


@dataclass(frozen=True)
class Node:
    """The address of a node, which leads to its place on the page.

    Attributes
    ----------
    layer
        Name of its layer.
    node
        Index of the node in the layer.
    length
        Number of characters beyond which the layer's name is cut.
    """

    layer: str
    node: int
    length: int = 36

    @property
    def text(self) -> str:
        """Whole address."""
        return f"{self.layer}:{self.node}"

    def html(self) -> Markup:
        """Give a link to the node's place, a long name of a layer cut at its end."""
        layer = self.layer if len(self.layer) <= self.length else self.layer[: self.length] + "…"
        shown = f"{layer}:{self.node}"
        return Markup('<a href="{}" title="{}"><code>{}</code></a>').format(place_of(self.text), self.text, shown)

    def key(self) -> str:
        """Sort by the address."""
        return self.text

    def json(self) -> str:
        """Keep all of the address."""
        return self.text


@dataclass(frozen=True)
class Sites:
    """Names of layers, and addresses of nodes that lead to their places.

    Attributes
    ----------
    parts
        Name of a layer, or address of a node.
    """

    parts: tuple[str | Node, ...]

    @property
    def text(self) -> str:
        """All names."""
        return ", ".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Nodes among them."""
        return tuple(part for part in self.parts if isinstance(part, Node))

    def html(self) -> Markup:
        """Give the names, those of nodes as links."""
        shown = (Code(part, 40).html() if isinstance(part, str) else part.html() for part in self.parts)
        return Markup(", ").join(shown)

    def key(self) -> str:
        """Sort by the names."""
        return self.text

    def json(self) -> str:
        """Keep the names."""
        return self.text


def place_of(name: str) -> str:
    """Give the address of a node's place within the page.

    Parameters
    ----------
    name
        Address of the node.

    Examples
    --------
    >>> place_of("fc1:17"), place_of("a b:0")
    ('#fc1:17', '#a%20b:0')
    """
    return "#" + quote(name, safe=":/._-", errors="replace")


def count(value: Any) -> Shown:
    """Show a whole number.

    Parameters
    ----------
    value
        Number; a dash stands for what is missing.

    Examples
    --------
    >>> count(1234).text
    '1,234'
    """
    return Shown(value, numbers.number(int(value)) if numbers.finite(value) else numbers.MISSING)


def fixed(value: Any, places: int = 2, low: Any = None, high: Any = None) -> Shown:
    """Show a number with fixed decimals, with its interval where known.

    Parameters
    ----------
    value
        Number; a dash stands for what is missing.
    places
        Number of decimals.
    low, high
        Ends of the interval; None or NaN where unknown.

    Examples
    --------
    >>> fixed(0.5, 2, 0.4, 0.6).note
    '0.40 to 0.60'
    """
    ends = numbers.between(numbers.decimals(low, places), numbers.decimals(high, places))
    return Shown(value, numbers.decimals(value, places), "" if ends == numbers.MISSING else ends)


def number(value: Any, low: Any = None, high: Any = None) -> Shown:
    """Show a number to three significant digits, with its interval where known.

    Parameters
    ----------
    value
        Number; a dash stands for what is missing.
    low, high
        Ends of the interval; None or NaN where unknown.

    Examples
    --------
    >>> number(0.123456).text
    '0.123'
    """
    ends = numbers.between(numbers.number(low), numbers.number(high))
    return Shown(value, numbers.number(value), "" if ends == numbers.MISSING else ends)


def share(value: Any, low: Any = None, high: Any = None, places: int = 1) -> Shown:
    """Show a share as a percentage, with its interval where known.

    Parameters
    ----------
    value
        Share in [0, 1]; a dash stands for what is missing.
    low, high
        Ends of the interval; None or NaN where unknown.
    places
        Number of decimals of the percentage.

    Examples
    --------
    >>> share(0.975, 0.95, 0.99).text, share(0.975, 0.95, 0.99).note
    ('97.5 %', '95.0 to 99.0')
    """
    ends = numbers.between(_bare(low, places), _bare(high, places))
    return Shown(value, numbers.percent(value, places), "" if ends == numbers.MISSING else ends)


def points(value: Any, low: Any = None, high: Any = None) -> Shown:
    """Show a difference of two shares in percentage points, signed.

    Parameters
    ----------
    value
        Difference in [-1, 1]; a dash stands for what is missing.
    low, high
        Ends of the interval; None or NaN where unknown.

    Examples
    --------
    >>> points(0.012).text
    '+1.2'
    """
    ends = numbers.between(_bare(low, 1), _bare(high, 1))
    sign = "+" if numbers.finite(value) and round(float(value) * 100, 1) > 0 else ""
    return Shown(value, sign + _bare(value, 1), "" if ends == numbers.MISSING else ends)


def probability(value: Any) -> Shown:
    """Show a p- or q-value.

    Parameters
    ----------
    value
        Probability in [0, 1]; a dash stands for what is missing.

    Examples
    --------
    >>> probability(0.0312).text
    '0.031'
    """
    return Shown(value, numbers.probability(value))


def _bare(value: Any, places: int) -> str:
    return numbers.decimals(float(value) * 100, places) if numbers.finite(value) else numbers.MISSING

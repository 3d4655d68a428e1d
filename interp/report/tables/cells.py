"""What a table cell can be, beside plain text and numbers.

Every cell has ``html()`` for the page, ``key()`` for sorting and ``json()`` for report.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from interp.report.selection.lookup import Span
from interp.report.tables import numbers


@dataclass(frozen=True)
class Shown:
    """A number as printed, with a smaller note such as its interval."""

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
    """A word in a coloured pill; `tone` is a boundary kind or a confidence."""

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
    """A name, digest or command, in a fixed-width face; whole on hover if cut."""

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
class Bar:
    """Counts of the boundary kinds as one stacked bar with its numbers below."""

    counts: Mapping[str, int]

    def html(self) -> Markup:
        """Give the bar; kinds without nodes are left out."""
        present = {kind: count for kind, count in self.counts.items() if count}
        parts = Markup("").join(
            Markup('<i class="{}" style="flex-grow:{}"></i>').format(kind, count) for kind, count in present.items()
        )
        words = ", ".join(f"{count} {kind}" for kind, count in present.items()) or numbers.MISSING
        return Markup('<span class="bar" role="img" aria-label="{}">{}</span><small>{}</small>').format(
            words, parts, words
        )

    def key(self) -> float:
        """Sort by the share of coherent nodes."""
        return self.counts.get("coherent", 0) / max(sum(self.counts.values()), 1)

    def json(self) -> dict[str, int]:
        """Keep the counts."""
        return dict(self.counts)


@dataclass(frozen=True)
class Gauge:
    """A share with its interval as a dot and a line from 0 to 1, above the grey range that chance gives."""

    share: Span
    null: Span = field(default_factory=lambda: Span(float("nan"), float("nan"), float("nan")))

    def html(self) -> Markup:
        """Give a small drawing in the page's own colours."""
        if not numbers.finite(self.share.value):
            return escape(numbers.MISSING)
        label = f"{numbers.percent(self.share.value)}; chance {numbers.percent(self.null.value)}"
        drawing = self._band() + self._line() + _mark("circle", 'cx="{}" cy="8" r="3.5"', self.share.value)
        frame = Markup(
            '<svg class="gauge" viewBox="-4 0 128 16" role="img" aria-label="{}"><path d="M0 8H120"/>{}</svg>'
        )
        return frame.format(label, drawing)

    def _band(self) -> Markup:
        if not (numbers.finite(self.null.low) and numbers.finite(self.null.high)):
            return Markup("")
        width = max(self.null.high - self.null.low, 0.01) * 120
        return Markup('<rect x="{:.1f}" y="2" width="{:.1f}" height="12"/>').format(self.null.low * 120, width)

    def _line(self) -> Markup:
        if not (numbers.finite(self.share.low) and numbers.finite(self.share.high)):
            return Markup("")
        return Markup('<path class="range" d="M{:.1f} 8H{:.1f}"/>').format(self.share.low * 120, self.share.high * 120)

    def key(self) -> Any:
        """Sort by the share."""
        return self.share.value if numbers.finite(self.share.value) else ""

    def json(self) -> dict[str, Any]:
        """Keep both with their intervals."""
        return {"share": vars(self.share), "null": vars(self.null)}


def _mark(tag: str, place: str, share: float) -> Markup:
    return Markup(f"<{tag} {place}/>").format(f"{share * 120:.1f}")


def count(value: Any) -> Shown:
    """Show a whole number."""
    return Shown(value, numbers.number(int(value)) if numbers.finite(value) else numbers.MISSING)


def fixed(value: Any, places: int = 2, low: Any = None, high: Any = None) -> Shown:
    """Show a number with fixed decimals, with its interval where known."""
    ends = numbers.between(numbers.decimals(low, places), numbers.decimals(high, places))
    return Shown(value, numbers.decimals(value, places), "" if ends == numbers.MISSING else ends)


def number(value: Any, low: Any = None, high: Any = None) -> Shown:
    """Show a number to three digits, with its interval where known."""
    ends = numbers.between(numbers.number(low), numbers.number(high))
    return Shown(value, numbers.number(value), "" if ends == numbers.MISSING else ends)


def share(value: Any, low: Any = None, high: Any = None, places: int = 1) -> Shown:
    """Show a share as a percentage, with its interval where known."""
    ends = numbers.between(_bare(low, places), _bare(high, places))
    return Shown(value, numbers.percent(value, places), "" if ends == numbers.MISSING else ends)


def points(value: Any, low: Any = None, high: Any = None) -> Shown:
    """Show a difference of two shares in percentage points, signed."""
    ends = numbers.between(_bare(low, 1), _bare(high, 1))
    sign = "+" if numbers.finite(value) and round(float(value) * 100, 1) > 0 else ""
    return Shown(value, sign + _bare(value, 1), "" if ends == numbers.MISSING else ends)


def probability(value: Any) -> Shown:
    """Show a p- or q-value."""
    return Shown(value, numbers.probability(value))


def cell_html(value: Any) -> Markup:
    """Give the HTML of any cell; plain text is escaped, plain numbers are rounded."""
    if hasattr(value, "html") and hasattr(value, "json"):
        return Markup(value.html())
    if isinstance(value, str | bool):
        return escape(value)
    if value is None or _is_number(value):
        return Markup('<span class="num">{}</span>').format(numbers.number(value))
    return escape(str(value))


def cell_key(value: Any) -> Any:
    """Give what a column is sorted by; empty for what is missing."""
    if hasattr(value, "key"):
        return value.key()
    if _is_number(value):
        return float(value) if numbers.finite(value) else ""
    return "" if value is None else str(value)


def numeric(value: Any) -> bool:
    """Tell whether a cell is aligned as a number."""
    return isinstance(value, Shown) or _is_number(value)


def _is_number(value: Any) -> bool:
    import numbers as abstract

    return isinstance(value, abstract.Real) and not isinstance(value, bool)


def _bare(value: Any, places: int) -> str:
    return numbers.decimals(float(value) * 100, places) if numbers.finite(value) else numbers.MISSING

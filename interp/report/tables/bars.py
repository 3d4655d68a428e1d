"""Cells that are small drawings: counts of kinds as a bar, and a share beside chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from interp.report.selection.lookup import Span
from interp.report.tables import numbers


@dataclass(frozen=True)
class Bar:
    """Counts of the boundary kinds as one stacked bar with its numbers below.

    Attributes
    ----------
    counts
        Kind of boundary -> number of nodes.
    """

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
    """A share with its interval as a dot and a line from 0 to 1, above the grey range that chance gives.

    Attributes
    ----------
    share
        Share with its 95 % interval.
    null
        Share by chance, with the central 95 % range of the null.
    """

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

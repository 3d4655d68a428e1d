"""Alerts on what was not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interp.verdict.alerts.rule import Seen
from interp.verdict.evidence import Evidence
from interp.verdict.words import some

MOST_LIMITS = 3
"""Largest number of limits that are told; others are counted."""


def limited(found: Evidence) -> Iterator[Seen]:
    """Count the parts of the network and of the data that were looked at."""
    parts = [f"{limit.looked_at:,} of {limit.of:,} {limit.what}" for limit in found.limits]
    if parts:
        yield Seen(
            f"To save time the network was looked at in part only: {parts[0]}{_more(len(parts) - 1)}."
            f"{_others(parts[1:])} What shows only in the rest is not on this page."
        )


def _more(others: int) -> str:
    return f", and {others} other{'s' if others > 1 else ''} like it" if others else ""


def _others(parts: Sequence[str]) -> str:
    """Name the limits behind the first, and count those that are too many to name."""
    left = len(parts) - MOST_LIMITS + 1
    more = f"; and {left} more that “The network” lists" if left > 0 else ""
    return f" Also {'; '.join(parts[: MOST_LIMITS - 1])}{more}." if parts else ""


def not_covered(found: Evidence) -> Iterator[Seen]:
    """List the modules that no layer covers, grouped by reason."""
    parts: dict[str, list[str]] = {}
    for name, why in found.model.skipped.items():
        parts.setdefault(why, []).append(name)
    if parts:
        yield Seen("Not covered: " + "; ".join(f"{some(names)} ({why})" for why, names in parts.items()) + ".")

"""Alerts on what was not looked at."""

from __future__ import annotations

from collections.abc import Iterator

from interp.verdict.alerts.rule import Seen
from interp.verdict.evidence import Evidence
from interp.verdict.words import some

MOST_LIMITS = 3
"""Largest number of limits that are told; others are counted."""


def limited(found: Evidence) -> Iterator[Seen]:
    """Count the parts of the network and of the data that were looked at."""
    if found.limits:
        parts = [f"{limit.looked_at:,} of {limit.of:,} {limit.what}" for limit in found.limits]
        others = len(parts) - MOST_LIMITS
        more = f"; and, in part too, {others} more that “The network” lists" if others > 0 else ""
        yield Seen(
            f"To save time the network was looked at in part only. Seen were {'; '.join(parts[:MOST_LIMITS])}{more}."
            " What shows only in the rest is not on this page."
        )


def not_covered(found: Evidence) -> Iterator[Seen]:
    """List the modules that no layer covers, grouped by reason."""
    parts: dict[str, list[str]] = {}
    for name, why in found.model.skipped.items():
        parts.setdefault(why, []).append(name)
    if parts:
        yield Seen("Not covered: " + "; ".join(f"{some(names)} ({why})" for why, names in parts.items()) + ".")

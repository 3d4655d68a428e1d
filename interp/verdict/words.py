"""Lists of layers as words."""

from __future__ import annotations

from collections.abc import Sequence

MANY_LAYERS = 12
"""Beyond so many hidden layers, one sentence for all takes the place of one for each."""


def some(names: Sequence[str], most: int = 6) -> str:
    """Name a few, and count the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

"""Lists of layers as words."""

from __future__ import annotations

from collections.abc import Sequence

MANY_LAYERS = 12
"""Largest number of hidden layers that have one sentence each; more of them share one sentence."""


def some(names: Sequence[str], most: int = 6) -> str:
    """Name the first `most` layers, and count the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

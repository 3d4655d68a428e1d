"""Lists of layers as words."""

from __future__ import annotations

from collections.abc import Sequence

MANY_LAYERS = 12
"""Largest number of hidden layers that have one sentence each; more of them share one sentence."""


def layer_name(name: str) -> str:
    """Give a layer's name so that it looks like one: ``layer 0`` where it is only a number.

    Examples
    --------
    >>> layer_name("0"), layer_name("layers.2"), layer_name("fc1")
    ('layer 0', 'layers.2', 'fc1')
    """
    return f"layer {name}" if name.replace(".", "").isdigit() else name


def some(names: Sequence[str], most: int = 6) -> str:
    """Name the first `most` layers, and count the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

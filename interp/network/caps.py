"""Caps on how much is looked at, and the nodes that are drawn under one.

Nodes are drawn at random, not chosen by what they do, so that shares of them are shares of their layer.
"""

from __future__ import annotations

import zlib

import numpy as np

from interp.types import Array, NodeLayer


def drawn_nodes(layer: NodeLayer, most: int | None, seed: int) -> Array | None:
    """Draw nodes of a layer, ascending; None for all of them. Fewer drawn are among more drawn."""
    if most is None or most >= layer.nodes:
        return None
    order = np.random.default_rng([seed, zlib.crc32(layer.name.encode())]).permutation(layer.nodes)
    return np.asarray(np.sort(order[:most]))


def chosen_nodes(layer: NodeLayer, most: int | None, seed: int) -> Array:
    """Give the nodes drawn, (M,) ascending, or all of them."""
    drawn = drawn_nodes(layer, most, seed)
    return np.arange(layer.nodes) if drawn is None else drawn


def least(*caps: int | None) -> int | None:
    """Give the smallest of some caps; None where there is none."""
    return min((cap for cap in caps if cap is not None), default=None)


def capped(value: int, most: int | None) -> int:
    """Give no more than `most`, where there is such a cap."""
    return value if most is None else min(value, most)

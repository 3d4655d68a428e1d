"""Limits on numbers of nodes, rows and samples, and the nodes that are drawn where a layer has more.

Nodes are drawn at random, and not chosen by what they do, so that a share of them estimates the share of their layer.
"""

from __future__ import annotations

import zlib

import numpy as np

from interp.types import Array, NodeLayer


def drawn_nodes(layer: NodeLayer, most: int | None, seed: int) -> Array | None:
    """Draw nodes of a layer at random; a smaller number of nodes is part of a larger one.

    Parameters
    ----------
    layer
        Layer whose nodes are drawn; its name takes part in the seed.
    most
        Largest number of nodes; None for no limit.
    seed
        Seed of the random number generator.

    Returns
    -------
    Array or None
        Indices of the nodes, ascending (M,); None for all of them.

    Examples
    --------
    >>> layer = NodeLayer("fc1", "linear", 4, 2, "relu", "fc1")
    >>> drawn_nodes(layer, 4, seed=0) is None, len(drawn_nodes(layer, 3, seed=0))
    (True, 3)
    """
    if most is None or most >= layer.nodes:
        return None
    order = np.random.default_rng([seed, zlib.crc32(layer.name.encode())]).permutation(layer.nodes)
    return np.asarray(np.sort(order[:most]))


def chosen_nodes(layer: NodeLayer, most: int | None, seed: int) -> Array:
    """Draw nodes of a layer at random, or give all where there is no limit.

    Parameters
    ----------
    layer
        Layer whose nodes are drawn; its name takes part in the seed.
    most
        Largest number of nodes; None for no limit.
    seed
        Seed of the random number generator.

    Returns
    -------
    Array
        Indices of the nodes, ascending (M,).

    Examples
    --------
    >>> chosen_nodes(NodeLayer("fc1", "linear", 4, 2, "relu", "fc1"), None, seed=0)
    array([0, 1, 2, 3])
    """
    drawn = drawn_nodes(layer, most, seed)
    return np.arange(layer.nodes) if drawn is None else drawn


def least(*caps: int | None) -> int | None:
    """Give the smallest of several limits.

    Parameters
    ----------
    *caps
        Limits; None for no limit.

    Returns
    -------
    int or None
        Smallest limit; None where there is no limit.

    Examples
    --------
    >>> least(64, None, 32), least(None)
    (32, None)
    """
    return min((cap for cap in caps if cap is not None), default=None)


def capped(value: int, most: int | None) -> int:
    """Cut a number down to a limit.

    Parameters
    ----------
    value
        Number that is wanted.
    most
        Limit; None for no limit.

    Examples
    --------
    >>> capped(100, 64), capped(100, None)
    (64, 100)
    """
    return value if most is None else min(value, most)

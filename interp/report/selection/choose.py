"""Choice of the nodes that are shown where there is no room for all."""

from __future__ import annotations

import numpy as np

from interp.types import Array, Boundaries, ClusterMatch, Prototypes


def evenly(found: Boundaries, most: int, among: Array, *, dead: bool = True) -> list[int]:
    """Choose nodes evenly over the rank of their distance: nearest first, those without one last.

    Parameters
    ----------
    found
        Kinds and distances of a layer's boundaries.
    most
        Largest number of nodes to choose.
    among
        Indices of the nodes to choose from, (M,).
    dead
        Whether dead nodes may be chosen.

    Returns
    -------
    list of int
        Indices of the nodes, the nearest first.
    """
    distance = np.abs(np.asarray(found.distance, float))
    order = np.argsort(np.where(np.isfinite(distance), distance, np.inf), kind="stable")
    order = order[np.isin(order, among)]
    if not dead:
        order = order[np.asarray(found.kind)[order] != "dead"]
    return [int(order[rank]) for rank in ranks(len(order), most)]


def ranks(available: int, most: int) -> Array:
    """Choose positions evenly from the first to the last.

    Parameters
    ----------
    available
        Number of positions.
    most
        Largest number of positions to choose.

    Returns
    -------
    Array
        Chosen positions, ascending.

    Examples
    --------
    >>> ranks(9, 3)
    array([0, 4, 8])
    """
    count = min(available, most)
    return np.unique(np.round(np.linspace(0, available - 1, count)).astype(int)) if count else np.zeros(0, int)


def one_a_node(matches: tuple[ClusterMatch, ...], found: Prototypes) -> ClusterMatch | None:
    """Choose the clustering with about one centroid a node.

    Parameters
    ----------
    matches
        Clusterings of a layer's input.
    found
        Prototypes of the layer.

    Returns
    -------
    ClusterMatch
        Clustering; None where there is none.
    """
    return min(matches, key=lambda match: abs(match.k - len(found.nodes)), default=None)

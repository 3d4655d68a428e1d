"""The inputs that the nodes of a layer stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from interp.types.arrays import Array
from interp.types.shown import Shown


@dataclass(frozen=True, repr=False)
class Prototypes(Shown):
    """The mean inputs that the nodes of one layer stand for.

    Attributes
    ----------
    layer_input, network_input
        Kind -> (N, D) means over rows of the layer's input and of the (scaled) network input.
        Kinds: ``conditional``, ``component``, ``nearest``, ``strongest``; NaN rows where a
        node has none. A convolution's layer input is the patch it reads, its network input the
        whole of what the patch was taken from.
    effective_count
        Kind -> (N,) rows behind each mean, (sum w)^2 / sum w^2; Kish's effective sample size.
    exemplars
        ``nearest`` and ``strongest`` -> (N, T) input indices, best first.
    input_mean
        (D,) mean of the layer's input.
    projection
        (N, D) the input mean projected onto each boundary.
    weight
        (N, D) the nodes' weights, batch-norm folded in; NaN for nodes that are not linear.
    principal_coordinates
        (N, P) alpha_i = sqrt(lambda_i) v_i.w, over the P = min(D, N, 64) leading components.
    whitening
        (N,) w Sigma w^T, 1 where a node is a whitened distance.
    network_mean
        (D0,) mean of the (scaled) network input.
    sampled
        (M,) nodes drawn, ascending: all (N, ...) arrays have one row for each; None: every node has its row.
    """

    layer_input: Mapping[str, Array]
    network_input: Mapping[str, Array]
    effective_count: Mapping[str, Array]
    exemplars: Mapping[str, Array]
    input_mean: Array
    network_mean: Array
    projection: Array
    weight: Array
    principal_coordinates: Array
    whitening: Array
    sampled: Array | None = None

    @property
    def nodes(self) -> Array:
        """(M,) node of each row."""
        return np.arange(len(self.weight)) if self.sampled is None else self.sampled


@dataclass(frozen=True, repr=False)
class ClusterMatch(Shown):
    """Prototypes of one layer beside k-means centroids of the layer's input.

    Attributes
    ----------
    k
        Centroids.
    centroids
        (k, D).
    rows
        Rows that k-means saw.
    match
        Prototype kind -> (N,) matched centroid (Hungarian), -1 if none.
    distance
        Prototype kind -> (N,) Euclidean distance to it; NaN if none.
    null_distance
        Prototype kind -> null name -> (R,) mean matched distance of each repetition.
    agreement
        Rows: pairs of partitions; columns ``pair``, ``ari``, ``nmi``, ``null_ari``, ``null_nmi``.
    accuracy
        Rows: classifiers; columns ``classifier``, ``accuracy``, ``low``, ``high``
        (95 % Wilson), ``agreement`` (with the network's predictions), ``samples``.
    """

    k: int
    centroids: Array
    rows: int
    match: Mapping[str, Array]
    distance: Mapping[str, Array]
    null_distance: Mapping[str, Mapping[str, Array]]
    agreement: pd.DataFrame
    accuracy: pd.DataFrame

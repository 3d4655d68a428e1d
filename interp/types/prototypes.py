"""Prototypes: the mean inputs that the nodes of a layer stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from interp.types.annotations.frames import no_rows, pd
from interp.types.annotations.shapes import Columns, Shape
from interp.types.arrays import Array
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Prototypes(ShortRepr):
    """The mean inputs that the nodes of one layer stand for.

    Attributes
    ----------
    layer_input, network_input
        Sort of prototype (``conditional``, ``component``, ``nearest``, ``strongest``) -> the mean, over the rows it
        stands for, of the layer's input and of the scaled input of the network; NaN where a node has none. A
        convolution's layer input is the patch it reads, its network input the whole sample the patch was taken from.
    effective_count
        Sort of prototype -> number of rows behind each mean, (sum w)^2 / sum w^2 (Kish's effective sample size).
    exemplars
        Sort of prototype (``nearest``, ``strongest``) -> indices of the samples closest to a node's boundary, and of
        those with the largest output, best first.
    input_mean
        Mean of the layer's input.
    network_mean
        Mean of the scaled input of the network.
    z_mean
        Mean pre-activation of each node.
    weight
        Weights of each node, with batch-norm folded in; NaN for nodes that are not linear. W = D; in files of large
        networks W = 0, since the network has them.
    principal_coordinates
        Weights along the leading principal components of the layer's input, alpha_i = sqrt(lambda_i) v_i.w;
        P = min(D, N, 64).
    whitening
        Variance of each node's pre-activation as its weights and the covariance of its input give it, w Sigma w^T;
        1 where a node is a whitened distance.
    sampled
        Nodes that have prototypes, ascending; None: all.
    network_share
        Sort of prototype -> share of each training sample in the mean of the network's input, NaN where a node has
        none: files hold it in place of `network_input` where there are few samples; may be empty.
    """

    layer_input: Mapping[str, Annotated[Array, Shape("M D")]]
    network_input: Mapping[str, Annotated[Array, Shape("M I")]]
    effective_count: Mapping[str, Annotated[Array, Shape("M")]]
    exemplars: Mapping[str, Annotated[Array, Shape("M T", "whole numbers")]]
    input_mean: Annotated[Array, Shape("D")]
    network_mean: Annotated[Array, Shape("I")]
    z_mean: Annotated[Array, Shape("M")]
    weight: Annotated[Array, Shape("M W")]
    principal_coordinates: Annotated[Array, Shape("M P")]
    whitening: Annotated[Array, Shape("M")]
    sampled: Annotated[Array, Shape("M", "whole numbers")] | None = None
    network_share: Mapping[str, Annotated[Array, Shape("M S")]] = field(default_factory=dict)

    @property
    def projection(self) -> Array:
        """Mean input of the layer, projected onto each boundary: mu - z(mu) w / |w|^2, (M, D)."""
        weight = np.asarray(self.weight, float)
        norm = np.maximum((weight**2).sum(axis=1, keepdims=True), 1e-300)
        return np.asarray(self.input_mean - self.z_mean[:, None] * weight / norm)

    @property
    def nodes(self) -> Array:
        """Node of each row, (M,)."""
        return np.arange(len(self.weight)) if self.sampled is None else self.sampled

    @property
    def mean_count(self) -> dict[str, float]:
        """Sort of prototype -> mean `effective_count` over the nodes that have one; NaN where none has."""
        return {kind: _mean_of_known(count) for kind, count in self.effective_count.items()}


@dataclass(frozen=True, repr=False)
class ClusterMatch(ShortRepr):
    """Prototypes of one layer beside k-means centroids of the layer's input.

    Attributes
    ----------
    k
        Number of centroids.
    centroids
        Centroids of the layer's input.
    rows
        Number of rows that k-means saw.
    match
        Sort of prototype -> index of the centroid that each is matched with (Hungarian); NaN if none.
    distance
        Sort of prototype -> Euclidean distance to that centroid; NaN if none.
    null_distance
        Sort of prototype -> name of a null -> mean matched distance of each repetition.
    agreement
        Agreement of two partitions of the rows, a row a pair: the adjusted Rand index (``ari``), the normalised mutual
        information (``nmi``), and both with one of the partitions permuted.
    accuracy
        Accuracy of the classifiers by the nearest centroid or prototype, a row a classifier, with its 95 %
        interval (``low``, ``high``), the agreement with the network's predictions where it has some, and the number of
        samples; NaN where nothing is predicted.
    untrained
        Mean matched ``distance`` of the layer's prototypes over some rows, beside layers that were never trained over
        the same rows, a row a sort of prototype and ``null``: their ``mean``, their 2.5 % point (``low``), the
        ``p_value`` of being as close, and the number of such layers; may be empty.
    """

    k: int
    centroids: Annotated[Array, Shape("Q D")]
    rows: int
    match: Mapping[str, Annotated[Array, Shape("M")]]
    distance: Mapping[str, Annotated[Array, Shape("M")]]
    null_distance: Mapping[str, Mapping[str, Annotated[Array, Shape("R")]]]
    agreement: Annotated[pd.DataFrame, Columns("pair", "ari nmi null_ari null_nmi")]
    accuracy: Annotated[pd.DataFrame, Columns("classifier", "accuracy low high agreement samples")]
    untrained: Annotated[pd.DataFrame, Columns("prototype null", "distance mean low p_value repetitions")] = field(
        default_factory=no_rows
    )

    @property
    def mean_distance(self) -> dict[str, float]:
        """Sort of prototype -> mean distance over the prototypes that are matched; NaN where none is."""
        return {kind: _mean_of_known(distance) for kind, distance in self.distance.items()}

    def closer_than_untrained(self, kind: str) -> bool | None:
        """Whether prototypes lie closer than the 2.5 % point of every kind of untrained layer; None if not known."""
        rows = self.untrained[self.untrained["prototype"] == kind] if len(self.untrained) else self.untrained
        if rows.empty or rows["low"].isna().any():
            return None
        return bool((rows["distance"] < rows["low"]).all())

    def null_range(self, kind: str) -> dict[str, tuple[float, float, float]]:
        """Summarise the nulls of one sort of prototype.

        Parameters
        ----------
        kind
            Sort of prototype, such as ``nearest``.

        Returns
        -------
        dict
            Name of a null -> mean of its mean matched distances, and the ends of their central 95 %.
        """
        nulls = self.null_distance.get(kind, {})
        return {name: (_mean_of_known(values), *_central(values)) for name, values in nulls.items()}


def _mean_of_known(values: Array) -> float:
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")


def _central(values: Array) -> tuple[float, float]:
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975], method="weibull")  # a further draw lies within as often as is said
    return float(low), float(high)

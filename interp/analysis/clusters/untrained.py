"""Prototypes of a layer beside those of layers that were never trained: how close each lie to k-means centroids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy

from interp.analysis.clusters.pairing import Targets
from interp.analysis.clusters.span import in_span, is_thin
from interp.analysis.prototypes import PrototypeOptions, distance_of, strength_of
from interp.analysis.threads import in_order, unthreaded
from interp.types import Array
from interp.types.annotations.frames import pd

KINDS = ("nearest", "strongest", "conditional")
COLUMNS = ("prototype", "null", "distance", "mean", "low", "p_value", "repetitions")


@dataclass(frozen=True)
class UntrainedOptions:
    """Options of the comparison with layers that were never trained.

    Attributes
    ----------
    repetitions
        Number of layers of each null. With 39, the least of them is the 2.5 % point.
    rows
        Largest number of rows, drawn at random, over which prototypes are averaged: those of the layer itself too.
    nodes
        Largest number of nodes, drawn at random; the others have as many.
    seed
        Seed of the random number generator.
    """

    repetitions: int = 39
    rows: int = 2000
    nodes: int = 64
    seed: int = 0


def beside_untrained(
    inputs: Array,
    centroids: Sequence[Array],
    weight: Array,
    bias: Array,
    activation: str,
    options: UntrainedOptions = UntrainedOptions(),
    prototypes: PrototypeOptions = PrototypeOptions(),
) -> list[pd.DataFrame]:
    """Hold the distance from a layer's prototypes to their centroids beside that of untrained layers.

    Any mean of many inputs lies close to some centroid, whatever the weights. The nulls are a fresh initialisation of
    the layer (uniform weights and biases within 1/sqrt(D), as PyTorch draws them), one without biases, one whose
    boundaries pass through the mean input, as a batch norm has it, and boundaries midway between two random inputs.

    Parameters
    ----------
    inputs
        Inputs of the layer, (S, D).
    centroids
        Sets of centroids of the inputs, (k, D) each; all are held against the same layers.
    weight, bias
        Weights (N, D) and biases (N,) of the layer's nodes.
    activation
        Name of the layer's activation.
    options
        Sizes, and the seed.
    prototypes
        Options of the prototypes.

    Returns
    -------
    list of DataFrame
        One for each set of centroids, with a row for each sort of prototype and null: the mean matched ``distance`` of
        the layer, the ``mean`` of the null and its 2.5 % point (``low``), and the share of the null's layers, this one
        among them, that are as close (``p_value``).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 3)) + 6 * np.eye(3)[rng.integers(0, 3, 200)]
    >>> (found,) = beside_untrained(x, [6 * np.eye(3)], np.eye(3), np.full(3, -6.0), "abs")
    >>> found.set_index(["prototype", "null"]).loc[("nearest", "untrained"), ["p_value", "repetitions"]].tolist()
    [0.025, 39.0]
    """
    rng = np.random.default_rng([options.seed, 3])
    x = np.asarray(inputs[rng.permutation(len(inputs))[: options.rows]], np.float32)
    chosen = rng.permutation(len(weight))[: options.nodes]
    middle = x.mean(axis=0)
    averaged, targets = _averaged(x, middle, centroids, activation, prototypes)
    with unthreaded():  # as each of the others is made by one thread alone
        own = _distances(averaged, x @ weight[chosen].T.astype(np.float32) + bias[chosen], targets)
    others = {
        null: list(
            in_order(
                partial(_distances, averaged, targets=targets),
                (make(x, len(chosen), rng) for _ in range(options.repetitions)),
            )
        )
        for null, make in NULLS.items()
    }
    return [
        pd.DataFrame(
            [
                _row(kind, null, mine[kind], np.array([each[number][kind] for each in drawn]))
                for null, drawn in others.items()
                for kind in KINDS
            ],
            columns=list(COLUMNS),
        )
        for number, mine in enumerate(own)
    ]


def _row(kind: str, null: str, own: float, others: Array) -> tuple[object, ...]:
    known = others[np.isfinite(others)]
    if not len(known) or not np.isfinite(own):
        return (kind, null, own, np.nan, np.nan, np.nan, len(known))
    low = np.quantile(known, 0.025, method="weibull")
    return (kind, null, own, known.mean(), low, (1 + (known <= own).sum()) / (1 + len(known)), len(known))


# --------------------------------------------------------------------------- nulls: pre-activations (S, N)


def _fresh(x: Array, nodes: int, rng: np.random.Generator) -> Array:
    reach = 1 / np.sqrt(x.shape[1])
    return _without_bias(x, nodes, rng) + rng.uniform(-reach, reach, nodes).astype(np.float32)


def _without_bias(x: Array, nodes: int, rng: np.random.Generator) -> Array:
    reach = 1 / np.sqrt(x.shape[1])
    return np.asarray(x @ rng.uniform(-reach, reach, (x.shape[1], nodes)).astype(np.float32))


def _through_the_mean(x: Array, nodes: int, rng: np.random.Generator) -> Array:
    z = _without_bias(x, nodes, rng)
    return np.asarray(z - z.mean(axis=0))


def _between_inputs(x: Array, nodes: int, rng: np.random.Generator) -> Array:
    first, second = x[rng.integers(0, len(x), (2, nodes))]
    weight = first - second
    return np.asarray(x @ weight.T - (weight * (first + second)).sum(axis=1) / 2)


NULLS: dict[str, Callable[[Array, int, np.random.Generator], Array]] = {
    "untrained": _fresh,
    "untrained, without bias": _without_bias,
    "untrained, batch norm": _through_the_mean,
    "random data differences": _between_inputs,
}
"""Name of a null -> pre-activations (S, N) of a layer of it, from inputs, number of nodes and generator."""


# --------------------------------------------------------------------------- prototypes of one layer


SPARSE = 16
"""Rows for one that is averaged, from which the averaged ones are added up alone."""


@dataclass(frozen=True)
class Averaged:
    """Rows that prototypes are the mean of, and how they are chosen.

    Attributes
    ----------
    centred
        Inputs of the layer less their mean, in any orthonormal coordinates, (S, D).
    activation
        Name of the activation that follows.
    options
        Options of the prototypes.
    """

    centred: Array
    activation: str
    options: PrototypeOptions

    def mean_of(self, within: Array) -> Array:
        """Average the rows that are chosen for each node, (N, S) booleans, (N, D)."""
        counts, kind = within.sum(axis=1), self.centred.dtype
        if SPARSE * counts.sum() > within.size:
            return np.asarray(within.astype(kind) @ self.centred / counts[:, None].astype(kind))
        rows, starts = np.nonzero(within)[1], np.concatenate([[0], np.cumsum(counts)])
        chosen = scipy.sparse.csr_matrix((np.ones(len(rows), kind), rows, starts), within.shape)
        return np.asarray(chosen @ self.centred / counts[:, None].astype(kind))


def _averaged(
    x: Array, middle: Array, centroids: Sequence[Array], activation: str, options: PrototypeOptions
) -> tuple[Averaged, Targets]:
    """Give inputs and centroids less the mean input, in coordinates of the inputs' span where they are few."""
    centred, sets = x - middle, [np.asarray(each - middle, np.float64) for each in centroids]
    if is_thin(x):
        centred, sets = in_span(centred, sets)
    return Averaged(centred, activation, options), Targets(sets)


def _distances(rows: Averaged, z: Array, targets: Targets) -> list[dict[str, float]]:
    """Give the mean distance of each sort of prototype to its matched centroid, for each set of centroids."""
    found = {kind: targets.mean_distances(points) for kind, points in _prototypes(rows, z)}
    return [{kind: each[number] for kind, each in found.items()} for number in range(len(targets.sets))]


def _prototypes(rows: Averaged, z: Array) -> Iterator[tuple[str, Array]]:
    """Yield the mean inputs of each sort less the mean input, (N, D), of the nodes whose pre-activations vary."""
    options = rows.options
    z = z[:, z.std(axis=0) > 1e-6 * np.abs(z).max(axis=0)]  # beyond float32's rounding
    count = min(len(z), max(options.least, round(options.share * len(z))))
    measures = {"nearest": distance_of(z, rows.activation), "strongest": -strength_of(z, rows.activation)}
    for kind, order in measures.items():
        of_node = np.ascontiguousarray(order.T)
        cut = np.partition(of_node, count - 1, axis=1)[:, count - 1, None]
        yield kind, rows.mean_of(of_node <= cut)
    mean = z.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # what varies by rounding alone may vary by nothing, squared
        slope = (z - mean).T @ rows.centred / len(z) / z.var(axis=0)[:, None]
    yield "conditional", -slope * mean[:, None]

"""The mean input that each node stands for: sums over rows, as one streamed matrix product.

Sorts of prototype: ``conditional`` is E[x | z = 0] = mu - Cov(x, z) m / s^2, exact for Gaussian inputs; ``component``
is weighted by the responsibility of the component whose mean is closest to the boundary; ``nearest`` is the mean of
the inputs with the smallest distance, ``strongest`` of those with the largest output.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from scipy.linalg import eigh

from interp.analysis.checks import checked_samples, prototype_arguments
from interp.analysis.components.values import blocks_of
from interp.types import Array, Boundaries, GaussianFit, LayerRows, Prototypes, Rows, as_column
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Within

ONE_SIDED_ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "elu", "softplus", "relu6", "selu", "celu", "mish")
"""Activations whose least output is 0, or close to it, on a whole half space: all of that counts as near."""

KINDS = ("conditional", "component", "nearest", "strongest")
MOST_COORDINATES = 64
FEW = 2
"""Times that the network's input is wider than there are samples, from which on their shares in a mean are kept."""

WIDEST_PCA = 2048  # beyond this many inputs a covariance matrix costs more than it tells


@dataclass(frozen=True)
class PrototypeOptions:
    """Which inputs count as near and strong.

    Attributes
    ----------
    share
        Share of the rows that ``nearest`` and ``strongest`` average, in (0, 1].
    least
        Smallest number of rows that they average, where that share is fewer.
    exemplars
        Number of exemplars kept for each node, T.

    Examples
    --------
    >>> PrototypeOptions(share=0.02)
    PrototypeOptions(share=0.02, least=10, exemplars=8)
    """

    share: Annotated[float, Within(0, 1)] = 0.01
    least: Annotated[int, Within(low=1)] = 10
    exemplars: Annotated[int, Within(low=1)] = 8


@dataclass(frozen=True)
class Cuts:
    """Limits that a row must reach to count as near or strong.

    Attributes
    ----------
    near
        Largest distance of a row that counts as near to each node (N,).
    strong
        Least strength of a row that counts as strong for each node (N,).
    """

    near: Array
    strong: Array


@checked
def find_prototypes(
    samples: Iterable[LayerRows],
    z: Rows,
    row_sample: Array,
    fit: GaussianFit,
    boundaries: Boundaries,
    activation: str,
    affine: tuple[Array, Array] | None = None,
    options: PrototypeOptions = PrototypeOptions(),
) -> Prototypes:
    """Find the mean inputs that the nodes of one layer stand for, of the nodes whose mixtures were fitted.

    Parameters
    ----------
    samples
        All rows of the layer in order, some at a time; read once.
    z
        Pre-activations of the same rows (S, N).
    row_sample
        Index of the sample that each row came from (S,).
    fit
        Gaussians of the layer's nodes.
    boundaries
        Boundaries of the same nodes, with the component that each is closest to.
    activation
        Name of the layer's activation, from which follows what is near and what is strong.
    affine
        Weights (N, D) and biases (N,) of the nodes; None where they are not linear, or not known.
    options
        Share of the rows that count as near or strong, and number of exemplars.

    Returns
    -------
    Prototypes
        Mean inputs of each sort, exemplars, and the weights in principal coordinates.

    Raises
    ------
    DataError
        If arrays are empty, no numbers, or their shapes do not agree.
    UsageError
        If an argument is of another class.

    Examples
    --------
    >>> from interp.analysis.boundaries import classify_boundaries
    >>> from interp.analysis.gaussians import fit_gaussians
    >>> x = np.random.default_rng(0).normal([3, 0], 1, (400, 2)).astype(np.float32)
    >>> z = x @ np.array([[1.0], [0.0]], np.float32) - 3
    >>> fit = fit_gaussians(z)
    >>> found = find_prototypes([LayerRows(z, x, x)], z, np.arange(400), fit, classify_boundaries(fit), "abs")
    >>> found.layer_input["conditional"].round(1)
    array([[3., 0.]])
    """
    z, row_sample, affine = prototype_arguments(z, row_sample, fit, affine)
    samples = checked_samples(samples, z.shape)
    as_column("boundaries", boundaries.component, z.shape[1])
    nodes, component = fit.nodes, boundaries.component[fit.nodes]
    sampled, fit = fit.sampled, fit.of(nodes)
    cuts, exemplars = _select(z, nodes, row_sample, activation, options)
    sums = _Sums(fit.mean, len(np.unique(row_sample)))
    for part in samples:
        values = part.z if sampled is None else np.ascontiguousarray(part.z[:, nodes])
        sums.add(part, values, _row_weights(values, fit, component, activation, cuts))
    mean, covariance = sums.layer_moments()
    weight = np.full((len(nodes), len(mean)), np.nan) if affine is None else affine[0][nodes]
    coordinates, whitening = principal_coordinates(weight, covariance)
    kept = np.float64 if sampled is None else np.float32
    return Prototypes(
        layer_input={kind: means.astype(kept) for kind, means in sums.means("layer_input", fit).items()},
        network_input=sums.means("network_input", fit),
        effective_count=sums.effective_counts(fit),
        exemplars=exemplars,
        input_mean=mean,
        network_mean=sums.mean("network_input"),
        z_mean=fit.mean,
        weight=weight.astype(kept),
        principal_coordinates=coordinates,
        whitening=whitening,
        sampled=sampled,
        network_share=sums.network_shares(fit),
    )


def principal_coordinates(weight: Array, covariance: Array | None) -> tuple[Array, Array]:
    """Give the coordinates of weights along the principal components of the input, and their squared length.

    alpha_i = sqrt(lambda_i) v_i.w (after arXiv 2410.19352, eq. 12), so that sum alpha_i^2 = w Sigma w^T,
    which is 1 for a node that measures a whitened distance.

    Parameters
    ----------
    weight
        Weights of the nodes (N, D).
    covariance
        Covariance matrix of the input (D, D); None where it is not known.

    Returns
    -------
    coordinates
        Coordinates alpha of each node (N, P), leading components first; P = min(D, N, 64), and 0 without a covariance.
    whitening
        Sum of all D squared coordinates of each node, w Sigma w^T (N,); NaN without a covariance.

    Examples
    --------
    >>> coordinates, whitening = principal_coordinates(np.array([[0.5, 0.0]]), np.diag([4.0, 1.0]))
    >>> abs(coordinates), whitening
    (array([[1.]]), array([1.]))
    """
    if covariance is None or not np.isfinite(weight).all():
        return np.empty((len(weight), 0)), np.full(len(weight), np.nan)
    size = len(covariance)
    kept = min(size, len(weight), MOST_COORDINATES)
    values, vectors = eigh(covariance, subset_by_index=(size - kept, size - 1))
    alpha = (weight @ vectors) * np.sqrt(np.maximum(values, 0))
    return alpha[:, ::-1], ((weight @ covariance) * weight).sum(axis=1)


# --------------------------------------------------------------------------- near and strong


def distance_of(z: Array, activation: str) -> Array:
    """Give the distance of rows to what the nodes stand for: |z|, or max(z, 0) for one-sided activations.

    Parameters
    ----------
    z
        Pre-activations, any shape.
    activation
        Name of the activation.

    Examples
    --------
    >>> distance_of(np.array([-2.0, 3.0]), "relu"), distance_of(np.array([-2.0, 3.0]), "abs")
    (array([0., 3.]), array([2., 3.]))
    """
    return np.maximum(z, 0) if activation in ONE_SIDED_ACTIVATIONS else np.abs(z)


def strength_of(z: Array, activation: str) -> Array:
    """Give the strength of rows, a number that grows with the output: |z| for ``abs``, z for all others.

    Parameters
    ----------
    z
        Pre-activations, any shape.
    activation
        Name of the activation.

    Examples
    --------
    >>> strength_of(np.array([-2.0, 1.0]), "relu"), strength_of(np.array([-2.0, 1.0]), "abs")
    (array([-2.,  1.]), array([2., 1.]))
    """
    return np.abs(z) if activation == "abs" else z


def _select(
    z: Rows, chosen_nodes: Array, row_sample: Array, activation: str, options: PrototypeOptions
) -> tuple[Cuts, dict[str, Array]]:
    """Find exact limits and exemplars, some nodes at a time, so that little is in memory."""
    rows, nodes = z.shape[0], len(chosen_nodes)
    count = min(rows, max(options.least, round(options.share * rows)))
    near, strong = np.empty(nodes), np.empty(nodes)
    chosen: dict[str, list[Array]] = {"nearest": [], "strongest": []}
    for columns in _column_blocks(rows, nodes):
        values = np.concatenate([block[:, chosen_nodes[columns]] for block in blocks_of(z)])
        distance, strength = distance_of(values, activation), strength_of(values, activation)
        near[columns] = np.partition(distance, count - 1, axis=0)[count - 1]
        strong[columns] = np.partition(strength, rows - count, axis=0)[rows - count]
        chosen["nearest"].append(_first_inputs(np.abs(values), row_sample, options.exemplars))
        chosen["strongest"].append(_first_inputs(-strength, row_sample, options.exemplars))
    return Cuts(near, strong), {kind: np.concatenate(parts) for kind, parts in chosen.items()}


def _column_blocks(rows: int, nodes: int, most: int = 8_000_000) -> list[slice]:
    width = max(1, most // rows)
    return [slice(start, min(start + width, nodes)) for start in range(0, nodes, width)]


def _first_inputs(order: Array, row_sample: Array, count: int) -> Array:
    """Give the samples of the rows with the least `order` (rows, n), best first (n, T)."""
    count = min(count, len(order))
    rows = np.argpartition(order, count - 1, axis=0)[:count]
    sorted_rows = np.take_along_axis(
        rows, np.take_along_axis(order, rows, axis=0).argsort(axis=0, kind="stable"), axis=0
    )
    return np.asarray(row_sample[sorted_rows].T)


def _row_weights(z: Array, fit: GaussianFit, component: Array, activation: str, cuts: Cuts) -> dict[str, Array]:
    """Give the weights of rows (B, N) for each sort that is a weighted mean; ``conditional`` follows from moments."""
    return {
        "component": _responsibility(z, fit, component),
        "nearest": (distance_of(z, activation) <= cuts.near).astype(np.float32),
        "strongest": (strength_of(z, activation) >= cuts.strong).astype(np.float32),
    }


def _responsibility(z: Array, fit: GaussianFit, component: Array) -> Array:
    """Give the probability that each row is of the node's component, given z (B, N); 0 for a node without."""
    logs = []
    for k in range(fit.weight.shape[1]):
        with np.errstate(divide="ignore", invalid="ignore"):
            constant = np.log(fit.weight[:, k]) - 0.5 * np.log(fit.component_var[:, k])
            log = constant - (z - fit.component_mean[:, k]) ** 2 / (2 * fit.component_var[:, k])
        logs.append(np.where(np.isfinite(constant), log, -np.inf).astype(np.float32))
    stacked = np.stack(logs)
    top = stacked.max(axis=0)
    parts = np.exp(stacked - np.where(np.isfinite(top), top, 0))
    at = np.nan_to_num(component).astype(int)
    own = np.take_along_axis(parts, np.broadcast_to(at, (1, *z.shape)), axis=0)[0]
    total = parts.sum(axis=0)
    return np.where(np.isfinite(component) & (total > 0), own / np.where(total > 0, total, 1), 0).astype(np.float32)


# --------------------------------------------------------------------------- sums over samples


class _Sums:
    """Weighted sums of inputs in float64, about a centre near their mean, so that little is lost to cancellation.

    The products of a block are computed in float32, which keeps seven digits of the block's sum.
    """

    def __init__(self, z_mean: Array, samples: int) -> None:
        self.z_mean = z_mean
        self.samples = samples
        self.rows = 0
        self.centre: dict[str, Array] = {}
        self.total: dict[str, Array] = {}
        self.products: dict[tuple[str, str], Array] = {}
        self.weights: dict[str, Array] = {}
        self.squares: dict[str, Array] = {}
        self.outer: Array | None = None
        self.by_sample: list[Array] = []
        self.same = False

    def add(self, part: LayerRows, z: Array, weights: dict[str, Array]) -> None:
        """Add a block of rows.

        Parameters
        ----------
        part
            Rows of the layer, with what it reads and the network's inputs.
        z
            Pre-activations of the nodes that get prototypes (B, N).
        weights
            Sort of prototype -> weight of each row for each of these nodes (B, N).
        """
        self.rows += len(z)
        weights = {**weights, "conditional": (z - self.z_mean).astype(np.float32)}
        for kind, weight in weights.items():
            self._accumulate(self.weights, kind, weight.sum(axis=0, dtype=np.float64))
            self._accumulate(self.squares, kind, (weight**2).sum(axis=0, dtype=np.float64))
        stacked = np.concatenate(list(weights.values()), axis=1).T
        self.same = part.network_input is part.layer_input  # a first dense layer: one product serves both
        read = self._centred("layer_input", part.layer_input, 1)
        self._add_products("layer_input", weights, stacked @ read)
        if read.shape[1] <= WIDEST_PCA:
            gram = (read.T @ read).astype(np.float64)
            self.outer = gram if self.outer is None else self.outer + gram
        repeats = len(z) // len(part.network_input)
        summed = stacked.reshape(len(stacked), -1, repeats).sum(axis=2)  # one product for all rows of an input
        if FEW * self.samples <= part.network_input.shape[1]:
            self.by_sample.append(summed)
        if not self.same:
            inputs = self._centred("network_input", part.network_input, repeats)
            self._add_products("network_input", weights, summed @ inputs)

    def _add_products(self, name: str, kinds: Iterable[str], products: Array) -> None:
        kinds = list(kinds)
        for kind, product in zip(kinds, np.split(products, len(kinds)), strict=True):
            self._accumulate(self.products, (name, kind), product.astype(np.float64))

    def _centred(self, name: str, x: Array, repeats: int) -> Array:
        """Subtract the centre from inputs, each of which stands for `repeats` rows."""
        if name not in self.centre:
            self.centre[name] = x.mean(axis=0, dtype=np.float64)
        centred = (x - self.centre[name].astype(np.float32)).astype(np.float32)
        self._accumulate(self.total, name, repeats * centred.sum(axis=0, dtype=np.float64))
        return centred

    @staticmethod
    def _accumulate(target: dict[Any, Array], key: object, value: Array) -> None:
        target[key] = target[key] + value if key in target else value

    def _shift(self, name: str) -> Array:
        """Give the difference of the input mean and the float32 centre, (D,)."""
        return np.asarray(self.total[name] / self.rows)

    def mean(self, name: str) -> Array:
        """Give the mean of the layer's or the network's input, (D,)."""
        name = "layer_input" if self.same else name
        return np.asarray(self.centre[name].astype(np.float32).astype(np.float64) + self._shift(name))

    def layer_moments(self) -> tuple[Array, Array | None]:
        """Give mean (D,) and covariance (D, D) of the layer's input; no covariance where D is too large."""
        mean, shift = self.mean("layer_input"), self._shift("layer_input")
        return mean, None if self.outer is None else self.outer / self.rows - np.outer(shift, shift)

    def means(self, name: str, fit: GaussianFit) -> dict[str, Array]:
        """Give sort -> prototypes (N, D); NaN where no row has weight."""
        name = "layer_input" if self.same else name
        centre = self.mean(name) - self._shift(name)
        found = {"conditional": self.mean(name) - self._slopes(name, fit) * fit.mean[:, None]}
        for kind in KINDS[1:]:
            mass = self.weights[kind][:, None]
            with np.errstate(invalid="ignore", divide="ignore"):
                found[kind] = np.where(mass > 1e-9, centre + self.products[name, kind] / mass, np.nan)
        return found

    def _slopes(self, name: str, fit: GaussianFit) -> Array:
        """Give Cov(x, z) / s^2, the slopes of x on z (N, D); NaN for a constant node."""
        cross = self.products[name, "conditional"] / self.rows
        drift = (self.weights["conditional"] / self.rows)[:, None] * self._shift(name)
        return np.asarray((cross - drift) / np.where(fit.var > 0, fit.var, np.nan)[:, None])

    def effective_counts(self, fit: GaussianFit) -> dict[str, Array]:
        """Give sort -> Kish's effective sample size of each mean (N,); all rows for ``conditional``."""
        counts = {"conditional": np.where(fit.var > 0, float(self.rows), 0.0)}
        for kind in KINDS[1:]:
            counts[kind] = self.weights[kind] ** 2 / np.maximum(self.squares[kind], 1e-300)
        return counts

    def network_shares(self, fit: GaussianFit) -> dict[str, Array]:
        """Give sort -> share of each sample in the means of the network's input (N, S); nothing of many samples.

        A mean is the sum of the samples times their shares, which add up to 1. Those of ``conditional`` follow from
        Cov(x, z) = sum (z - mean z) (x - mean x) / rows, and may be negative.
        """
        if not self.by_sample:
            return {}
        kinds = list(self.weights)
        summed = np.concatenate(self.by_sample, axis=1).astype(np.float64)
        parts = dict(zip(kinds, np.split(summed, len(kinds)), strict=True))
        slope = (fit.mean / np.where(fit.var > 0, fit.var, np.nan))[:, None]
        moved = parts["conditional"] - parts["conditional"].mean(axis=1, keepdims=True)
        found = {"conditional": 1 / self.samples - slope * moved / self.rows}
        for kind in KINDS[1:]:
            mass = self.weights[kind][:, None]
            found[kind] = np.where(mass > 1e-9, parts[kind] / np.where(mass > 1e-9, mass, 1), np.nan)
        return {kind: share.astype(np.float32) for kind, share in found.items()}

"""1D Gaussian mixtures of many nodes at once, by EM over binned data and BIC.

Each node's values fall into bins of equal width that keep their count, sum and sum of squares, so that the
moments of the M-step are exact; only responsibilities are shared within a bin. The log-likelihood is therefore a
lower bound (exact for one component): at bin means alone it would favour components narrower than a bin, and heavy
tails make bins wide. An iteration costs N*B*K operations, whatever the number of samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from interp.analysis.threads import in_order
from interp.types import Array

BINS = 512
VARIANCE_FLOOR = 1e-6  # as a fraction of the node's variance: a component may not collapse onto one value
CELLS_A_BLOCK = 8192  # numbers in an array of nodes and bins: small enough for a cache, large enough for numpy
TRIAL = 30  # iterations from each start, before the better one is continued
LOG_TWO_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Binned:
    """Histograms of N nodes with sufficient statistics of standardised values, u = (z - mean) / sd.

    Attributes
    ----------
    count
        Number of rows in each bin (N, B).
    total
        Sum of u in each bin (N, B).
    squares
        Sum of u squared in each bin (N, B).
    """

    count: Array
    total: Array
    squares: Array

    def __len__(self) -> int:
        """Give the number of nodes."""
        return len(self.count)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.count.shape[1])

    @cached_property
    def centre(self) -> Array:
        """Mean of the values in each bin (N, B); 0 where there are none."""
        return self.total / np.maximum(self.count, 1)

    @cached_property
    def spread(self) -> Array:
        """Variance of the values in each bin (N, B); 0 where there are none."""
        return np.asarray(np.maximum(self.squares / np.maximum(self.count, 1) - self.centre**2, 0))

    @cached_property
    def rows(self) -> Array:
        """Number of rows of each node (N,)."""
        return np.asarray(self.count.sum(axis=1))

    def coarser(self, factor: int) -> Binned:
        """Join `factor` neighbouring bins into one, the last of fewer where their number does not divide."""
        missing = -self.count.shape[1] % factor
        parts = (np.pad(part, ((0, 0), (0, missing))) for part in (self.count, self.total, self.squares))
        return Binned(*(part.reshape(len(part), -1, factor).sum(axis=2) for part in parts))

    def __add__(self, other: Binned) -> Binned:
        """Put the rows of two histograms with the same edges together."""
        return Binned(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def of(self, nodes: Array | slice) -> Binned:
        """Give the histograms of some nodes only."""
        return Binned(self.count[nodes], self.total[nodes], self.squares[nodes])


@dataclass(frozen=True)
class Halves:
    """Histograms of two halves of the rows of N nodes, put together for those nodes alone that are asked for.

    Attributes
    ----------
    first, second
        Histograms of each half, with the same edges.
    """

    first: Binned
    second: Binned

    def __len__(self) -> int:
        """Give the number of nodes."""
        return len(self.first)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return self.first.bins

    def of(self, nodes: Array | slice) -> Binned:
        """Give the histograms of all rows of some nodes."""
        return self.first.of(nodes) + self.second.of(nodes)


@dataclass(frozen=True)
class Mixture:
    """Gaussian mixtures of N nodes with K components, in standard units.

    Attributes
    ----------
    weight, mean, var
        Weight, mean and variance of each component (N, K).
    loglik
        Lower bound of the log-likelihood of each node, in nats (N,).
    """

    weight: Array
    mean: Array
    var: Array
    loglik: Array


def bin_values(blocks: Iterable[Array], mean: Array, sd: Array, low: Array, high: Array, bins: int = BINS) -> Binned:
    """Sort values into bins of equal width between the extremes of each node.

    Parameters
    ----------
    blocks
        Values of N nodes, (rows, N) each.
    mean, sd
        Mean and standard deviation of each node (N,); values are standardised by them.
    low, high
        Least and largest value of each node (N,).
    bins
        Number of bins, B.

    Returns
    -------
    Binned
        Counts, sums and sums of squares in each bin (N, B).

    Examples
    --------
    >>> z = np.array([[-1.0], [0.0], [0.5], [1.0]])
    >>> bin_values([z], np.zeros(1), np.ones(1), z.min(axis=0), z.max(axis=0), bins=2).count
    array([[1., 3.]])
    """
    nodes = len(mean)
    sums = np.zeros((3, nodes * bins))
    width = np.where(high > low, high - low, 1.0) / bins
    scale = np.where(sd > 0, sd, 1.0)
    for block in blocks:
        z = np.asarray(block, np.float64)
        index = np.clip(((z - low) / width).astype(np.int64), 0, bins - 1) + np.arange(nodes) * bins
        u = ((z - mean) / scale).ravel()
        for row, weights in enumerate((None, u, u * u)):
            sums[row] += np.bincount(index.ravel(), weights, minlength=nodes * bins)
    return Binned(*sums.reshape(3, nodes, bins))


# --------------------------------------------------------------------------- EM


def fit_mixture(data: Binned, start: Mixture, iterations: int = 300, tolerance: float = 1e-8) -> Mixture:
    """Run EM (Dempster, Laird and Rubin 1977); nodes that have converged drop out of the iteration.

    Parameters
    ----------
    data
        Histograms of the N nodes.
    start
        Mixtures to start from, with K components.
    iterations
        Largest number of iterations.
    tolerance
        Gain of log-likelihood, in nats for each row, below which a node has converged.

    Returns
    -------
    Mixture
        Mixtures of the last iteration.
    """
    found = [np.array(part) for part in (start.weight, start.mean, start.var)]
    loglik = np.full(len(start.weight), -np.inf)
    active = np.arange(len(loglik))
    rows = data.rows
    part = data
    for _ in range(iterations):
        weight, mean, var = (array[active] for array in found)
        responsibility, value = _expect(part, weight, mean, var)
        gain = value - loglik[active]
        loglik[active] = value
        for array, new in zip(found, _maximise(part, responsibility), strict=True):
            array[active] = new
        going = gain > tolerance * rows[active]
        if going.all():
            continue
        active = active[going]
        if not len(active):
            break
        part = data.of(active)
    return Mixture(found[0], found[1], found[2], loglik)


def _expect(data: Binned, weight: Array, mean: Array, var: Array) -> tuple[Array, Array]:
    """Give the responsibilities for bins, (K, N, B), and the log-likelihood (N,).

    The rows of a bin share the responsibility that maximises Jensen's lower bound of their log-likelihood. All
    components are in one array that is changed in place: the fewer the calls, the less threads wait for each other.
    """
    with np.errstate(divide="ignore"):
        constant = np.log(weight) - 0.5 * (np.log(var) + LOG_TWO_PI)
    parts = data.centre - _upright(mean)
    np.multiply(parts, parts, out=parts)
    parts += data.spread
    parts *= _upright(0.5 / var)
    np.subtract(_upright(constant), parts, out=parts)
    top = np.maximum.reduce(parts)
    parts -= top
    np.exp(parts, out=parts)
    total = np.add.reduce(parts)
    parts /= total
    np.log(total, out=total)
    total += top
    total *= data.count
    return parts, np.add.reduce(total, axis=1)


def _upright(values: Array) -> Array:
    """Turn one value for each node and component, (N, K), into a column for each component, (K, N, 1)."""
    return values.T[:, :, None]


def _maximise(data: Binned, responsibility: Array) -> tuple[Array, Array, Array]:
    """Give the weights, means and variances (N, K) of the rows that belong to each component."""
    scratch = np.empty_like(responsibility)
    mass, total, square = (
        np.add.reduce(np.multiply(responsibility, part, out=scratch), axis=2)
        for part in (data.count, data.total, data.squares)
    )
    np.maximum(mass, 1e-12, out=mass)
    mean = total / mass
    return (mass / data.rows).T, mean.T, np.maximum(square / mass - mean**2, VARIANCE_FLOOR).T


def responsibilities(data: Binned, weight: Array, mean: Array, var: Array) -> tuple[Array, Array, Array]:
    """Give weights, means and variances of the rows that belong to each component, by their probabilities.

    Parameters
    ----------
    data
        Histograms of the N nodes.
    weight, mean, var
        Components that the probabilities come from (N, K), in standard units; weight 0 takes no row.
    """
    with np.errstate(divide="ignore"):
        shares, _ = _expect(data, weight, mean, var)
    return _maximise(data, shares)


# --------------------------------------------------------------------------- starts


def quantile_start(data: Binned, components: int) -> Mixture:
    """Give mixtures to start from: equal weights, means at the quantiles (k + 1/2) / K, variances 1 / K.

    Parameters
    ----------
    data
        Histograms of the N nodes.
    components
        Number of components, K.

    Returns
    -------
    Mixture
        Mixtures (N, K), with a log-likelihood of 0.
    """
    nodes = len(data.count)
    cumulative = np.cumsum(data.count, axis=1) / data.count.sum(axis=1, keepdims=True)
    wanted = (np.arange(components) + 0.5) / components
    index = (cumulative[:, :, None] < wanted).sum(axis=1).clip(max=data.count.shape[1] - 1)
    mean = np.take_along_axis(data.centre, index, axis=1)
    return Mixture(
        np.full((nodes, components), 1 / components),
        mean,
        np.full((nodes, components), 1 / components),
        np.zeros(nodes),
    )


def split_start(found: Mixture) -> Mixture:
    """Give mixtures to start from: the widest component (by weight times variance) cut in two.

    Parameters
    ----------
    found
        Mixtures (N, K - 1).

    Returns
    -------
    Mixture
        Mixtures (N, K), with the log-likelihood of those given.
    """
    widest = (found.weight * found.var).argmax(axis=1)[:, None]
    weight, mean, var = (np.take_along_axis(a, widest, axis=1) for a in (found.weight, found.mean, found.var))
    half, shift = weight / 2, np.sqrt(var) * 0.7
    parts = []
    for array, left, right in (
        (found.weight, half, half),
        (found.mean, mean - shift, mean + shift),
        (found.var, var / 2, var / 2),
    ):
        changed = array.copy()
        np.put_along_axis(changed, widest, left, axis=1)
        parts.append(np.concatenate([changed, right], axis=1))
    return Mixture(parts[0], parts[1], parts[2], found.loglik)


def _better(first: Mixture, second: Mixture) -> Mixture:
    take = (first.loglik >= second.loglik)[:, None]
    pick: Callable[[Array, Array], Array] = lambda a, b: np.where(take, a, b)  # noqa: E731
    return Mixture(
        pick(first.weight, second.weight),
        pick(first.mean, second.mean),
        pick(first.var, second.var),
        np.maximum(first.loglik, second.loglik),
    )


# --------------------------------------------------------------------------- BIC


def best_mixtures(data: Binned | Halves, most: int, nodes: Array | None = None) -> tuple[Mixture, Array, Array]:
    """Fit 1, 2, ... components to each node and keep the number with the least BIC (Schwarz 1978).

    Nodes are fitted a few at a time, so that the arrays of a block stay in cache, on all processors.

    Parameters
    ----------
    data
        Histograms of nodes.
    most
        Largest number of components, K.
    nodes
        Indices of the N nodes to fit, at least one; None for all.

    Returns
    -------
    mixture
        Mixtures (N, K), components in ascending order of their means; beyond a node's number of components the
        weight is 0 and mean and variance are NaN.
    components
        Number of components of each node (N,).
    bic
        Bayesian information criterion of the fits with 1 to K components, in standard units (N, K).

    Examples
    --------
    >>> z = np.concatenate([np.linspace(-5, -4, 200), np.linspace(4, 5, 200)])[:, None]
    >>> data = bin_values([z], z.mean(axis=0), z.std(axis=0), z.min(axis=0), z.max(axis=0))
    >>> best_mixtures(data, 2)[1]
    array([2])
    """
    count, step = len(data if nodes is None else nodes), max(CELLS_A_BLOCK // data.bins, 1)
    spans = [slice(start, start + step) for start in range(0, count, step)]
    blocks: list[Array | slice] = [span if nodes is None else nodes[span] for span in spans]
    found = list(in_order(lambda block: _best_of_block(data.of(block), most), blocks))
    mixtures, components, bic = zip(*found, strict=True)
    joined = (np.concatenate([getattr(m, name) for m in mixtures]) for name in ("weight", "mean", "var", "loglik"))
    return Mixture(*joined), np.concatenate(components), np.concatenate(bic)


def _best_of_block(data: Binned, most: int) -> tuple[Mixture, Array, Array]:
    rows = data.rows
    fits = [fit_mixture(data, quantile_start(data, 1), iterations=2)]
    for k in range(2, most + 1):
        tried = [fit_mixture(data, start, TRIAL) for start in (quantile_start(data, k), split_start(fits[-1]))]
        fits.append(fit_mixture(data, _better(*tried)))
    bic = np.stack([-2 * fit.loglik + (3 * k - 1) * np.log(rows) for k, fit in enumerate(fits, 1)], axis=1)
    chosen = bic.argmin(axis=1)
    shape = (len(rows), most)
    weight, mean, var = np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)
    for k, fit in enumerate(fits):
        nodes = np.flatnonzero(chosen == k)
        order = fit.mean[nodes].argsort(axis=1)
        for target, source in ((weight, fit.weight), (mean, fit.mean), (var, fit.var)):
            target[nodes, : k + 1] = np.take_along_axis(source[nodes], order, axis=1)
    loglik = np.stack([fit.loglik for fit in fits], axis=1)[np.arange(len(rows)), chosen]
    return Mixture(weight, mean, var, loglik), chosen + 1, bic


def mixture_cdf(values: Array, weight: Array, mean: Array, var: Array) -> Array:
    """Evaluate the distribution function of each node's mixture.

    Parameters
    ----------
    values
        Values of each node (N, B).
    weight, mean, var
        Mixtures of the nodes (N, K), in the units of `values`; components of weight 0 are left out.

    Returns
    -------
    Array
        Probabilities of a value at most as large (N, B).

    Examples
    --------
    >>> mixture_cdf(np.array([[0.0, 9.0]]), np.ones((1, 1)), np.zeros((1, 1)), np.ones((1, 1)))
    array([[0.5, 1. ]])
    """
    total = np.zeros_like(values)
    for k in range(weight.shape[1]):
        known = weight[:, k] > 0
        sd = np.sqrt(np.maximum(var[known, k], 1e-300))
        total[known] += weight[known, k, None] * ndtr((values[known] - mean[known, k, None]) / sd[:, None])
    return total

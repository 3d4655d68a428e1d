"""How alike two sets of nodes are over the same samples: centred kernel alignment, and nodes matched one to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import scipy

from interp.types import Array
from interp.types.annotations.shapes import Shape


def debiased_cka(first: Array, second: Array) -> float:
    """Give the linear centred kernel alignment of two sets of nodes, without its bias for many nodes and few samples.

    The products of kernels are those of the unbiased estimator of HSIC (Song et al. 2012), in the space of the features
    (Kornblith et al. 2019; Nguyen et al. 2021): 0 in the mean for independent sets, 1 for sets that are the same up to
    a rotation and one factor.

    Parameters
    ----------
    first, second
        Outputs of the nodes over the same samples, (S, N) and (S, N'); at least 4 samples.

    Returns
    -------
    float
        Alignment, at most 1; it may lie below 0. NaN where one of the sets does not vary, or samples are too few.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(debiased_cka(x, 3 * x[:, ::-1]), 6)
    1.0
    """
    x, y = (values - values.mean(axis=0) for values in (np.asarray(first, float), np.asarray(second, float)))
    if len(x) < 4:
        return float("nan")
    cross, own_x, own_y = _product(x, y), _product(x, x), _product(y, y)
    if not (own_x > 0 and own_y > 0):
        return float("nan")
    return float(cross / np.sqrt(own_x * own_y))


def _product(x: Array, y: Array) -> float:
    """Give n (n - 3) times the unbiased HSIC of linear kernels of centred features."""
    n = len(x)
    rows_x, rows_y = (x**2).sum(axis=1), (y**2).sum(axis=1)
    whole = float(((x.T @ y) ** 2).sum())
    return whole - n / (n - 2) * float(rows_x @ rows_y) + float(rows_x.sum() * rows_y.sum()) / ((n - 1) * (n - 2))


@dataclass(frozen=True)
class NodeMatch:
    """Nodes of one layer matched with those of another, one to one.

    Attributes
    ----------
    first, second
        Indices of the nodes of each pair.
    correlation
        Pearson correlation of the outputs of each pair.
    null
        Mean correlation of the pairs of each matching with the samples of one layer permuted.
    """

    first: Annotated[Array, Shape("M", "whole numbers")]
    second: Annotated[Array, Shape("M", "whole numbers")]
    correlation: Annotated[Array, Shape("M")]
    null: Annotated[Array, Shape("R")]


def match_nodes(first: Array, second: Array, repetitions: int = 20, seed: int = 0) -> NodeMatch:
    """Match nodes so that the sum of the correlations of their outputs is largest (Hungarian assignment).

    A best matching of unrelated nodes has correlations above 0 too: the null is the same matching with the samples of
    the second layer in another order.

    Parameters
    ----------
    first, second
        Outputs of the nodes over the same samples, (S, N) and (S, N').
    repetitions
        Number of permutations of the samples.
    seed
        Seed of the permutations.

    Returns
    -------
    NodeMatch
        Pairs of the nodes that vary, as many as the smaller layer has.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 3))
    >>> match_nodes(x, x[:, [2, 0, 1]]).second
    array([1, 2, 0])
    """
    (x, of_x), (y, of_y) = _varying(first), _varying(second)
    rng = np.random.default_rng(seed)
    rows, columns, values = _assigned(x, y)
    null = [float(np.mean(_assigned(x, y[rng.permutation(len(y))])[2])) for _ in range(repetitions if len(rows) else 0)]
    return NodeMatch(of_x[rows], of_y[columns], values, np.array(null, float))


def _varying(outputs: Array) -> tuple[Array, Array]:
    """Give the nodes that vary, standardised, and their indices."""
    values = np.asarray(outputs, np.float64)
    centred, spread = values - values.mean(axis=0), values.std(axis=0)
    kept = np.flatnonzero(spread > 1e-9 * np.abs(values).max(axis=0, initial=0))
    return centred[:, kept] / spread[kept], kept


def _assigned(x: Array, y: Array) -> tuple[Array, Array, Array]:
    correlation = x.T @ y / max(len(x), 1)
    rows, columns = scipy.optimize.linear_sum_assignment(-correlation)
    return rows, columns, correlation[rows, columns].clip(-1, 1)

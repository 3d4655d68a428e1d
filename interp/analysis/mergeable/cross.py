"""Cross moments of what a layer reads and its nodes: Chan, Golub and LeVeque (1979) for two variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from interp.types import Array
from interp.types.annotations.shapes import Shape


@dataclass(frozen=True)
class CrossMoments:
    """Sums of products of deviations of D inputs and N nodes from their means.

    Attributes
    ----------
    count
        Number of rows.
    input_mean
        Mean of each input (D,).
    mean
        Mean of each node (N,).
    products
        Sums of (x - input_mean)(z - mean) over the rows (D, N).
    """

    count: int
    input_mean: Annotated[Array, Shape("D")]
    mean: Annotated[Array, Shape("N")]
    products: Annotated[Array, Shape("D N")]

    @staticmethod
    def of(inputs: Array, z: Array) -> CrossMoments:
        """Take the cross moments of one block.

        Parameters
        ----------
        inputs
            Values that the nodes read (rows, D), at least one row.
        z
            Values of the nodes (rows, N).
        """
        (input_mean, x), (mean, centred) = _centred(inputs), _centred(z)
        return CrossMoments(len(x), input_mean, mean, x.T @ centred)

    def merge(self, other: CrossMoments) -> CrossMoments:
        """Combine the cross moments of two sets of rows.

        Parameters
        ----------
        other
            Cross moments of the same inputs and nodes over other rows.
        """
        count = self.count + other.count
        of_inputs, of_nodes = other.input_mean - self.input_mean, other.mean - self.mean
        share = other.count / count
        between = np.outer(of_inputs, of_nodes) * (self.count * share)
        return CrossMoments(
            count,
            self.input_mean + of_inputs * share,
            self.mean + of_nodes * share,
            self.products + other.products + between,
        )

    @property
    def covariance(self) -> Array:
        """Covariance of each input and node, the sum of products divided by `count` (D, N)."""
        return np.asarray(self.products / self.count)


def _centred(values: Array) -> tuple[Array, Array]:
    """Give means and deviations, from the first row first, so that those of a constant are exactly 0."""
    table = np.asarray(values, np.float64)
    apart = table - table[0]
    offset = apart.mean(axis=0)
    return table[0] + offset, apart - offset

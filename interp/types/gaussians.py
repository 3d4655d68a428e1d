"""Gaussians of the nodes of a layer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated

import numpy as np

from interp.types.annotations.shapes import Shape
from interp.types.arrays import Array
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class GaussianFit(ShortRepr):
    """Gaussians and Gaussian mixtures fitted to the pre-activations z of every node of one layer.

    Attributes
    ----------
    count
        Number of rows seen.
    mean, var, skewness, kurtosis
        Moments of z: the variance divides by the count, the kurtosis is the excess (0 for a Gaussian).
    minimum, maximum
        Least and largest z.
    class_count
        Number of rows of each class.
    class_mean, class_var
        Mean and variance of z over the rows of each class; NaN where a class has no rows.
    weight, component_mean, component_var
        Mixture chosen by BIC, its components merged where no valley lies between them, in ascending order of their
        means; beyond a node's own number of components the weight is 0 and the others are NaN.
    components
        Number of components after merging.
    bic
        Bayesian information criterion of the fits with 1 to K components; lower is better.
    ks, ks_mixture
        Kolmogorov-Smirnov distance of z to the one Gaussian, and to the mixture, in [0, 1].
    positive_share
        Share of rows with z > 0.
    histogram
        Number of rows in bins of equal width from the minimum to the maximum.
    sampled
        Nodes whose mixtures were fitted, ascending; None: all. The others have one component, and no BIC of more.
    crossed_weight, crossed_mean, crossed_var
        Mixtures found on one random half of the samples, with weights, means and variances measured on the other half,
        both ways round; None where there are too few rows.
    """

    count: int
    mean: Annotated[Array, Shape("N")]
    var: Annotated[Array, Shape("N")]
    skewness: Annotated[Array, Shape("N")]
    kurtosis: Annotated[Array, Shape("N")]
    minimum: Annotated[Array, Shape("N")]
    maximum: Annotated[Array, Shape("N")]
    class_count: Annotated[Array, Shape("C")]
    class_mean: Annotated[Array, Shape("C N")]
    class_var: Annotated[Array, Shape("C N")]
    weight: Annotated[Array, Shape("N K")]
    component_mean: Annotated[Array, Shape("N K")]
    component_var: Annotated[Array, Shape("N K")]
    components: Annotated[Array, Shape("N", "whole numbers")]
    bic: Annotated[Array, Shape("N K")]
    ks: Annotated[Array, Shape("N")]
    ks_mixture: Annotated[Array, Shape("N")]
    positive_share: Annotated[Array, Shape("N")]
    histogram: Annotated[Array, Shape("N B")]
    sampled: Annotated[Array, Shape("M", "whole numbers")] | None = None
    crossed_weight: Annotated[Array, Shape("2 N K")] | None = None
    crossed_mean: Annotated[Array, Shape("2 N K")] | None = None
    crossed_var: Annotated[Array, Shape("2 N K")] | None = None

    @property
    def nodes(self) -> Array:
        """Nodes whose mixtures were fitted, (M,)."""
        return np.arange(len(self.mean)) if self.sampled is None else self.sampled

    def density(self, node: int, z: Array) -> Array:
        """Give the density of each component that a node's mixture has, times its weight, at values of z.

        Parameters
        ----------
        node
            Index of the node.
        z
            Pre-activations, (Z,).

        Returns
        -------
        Array
            Weighted densities, (Z, components); no column where the node has no mixture, or one without spread.
        """
        used = (self.weight[node] > 0) & (self.component_var[node] > 0)
        mean, sd = self.component_mean[node][used], np.sqrt(self.component_var[node][used])
        bells = np.exp(-(((z[:, None] - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))
        parts: Array = self.weight[node][used] * bells
        return parts

    def of(self, nodes: Array) -> GaussianFit:
        """Give the fit of some nodes alone.

        Parameters
        ----------
        nodes
            Indices of the nodes, or a mask.
        """
        second = {"class_mean", "class_var", "crossed_weight", "crossed_mean", "crossed_var"}  # nodes on that axis
        kept = {"count", "class_count", "sampled"}
        known = {part.name: getattr(self, part.name) for part in fields(self) if part.name not in kept}
        chosen = {
            name: values[:, nodes] if name in second else values[nodes]
            for name, values in known.items()
            if values is not None
        }
        return replace(self, **chosen, sampled=None)

    def crossed(self) -> list[GaussianFit]:
        """Give the fit with the mixtures of each half of the samples, as measured on the other; none without."""
        if self.crossed_weight is None or self.crossed_mean is None or self.crossed_var is None:
            return []
        parts = zip(self.crossed_weight, self.crossed_mean, self.crossed_var, strict=True)
        return [replace(self, weight=weight, component_mean=mean, component_var=var) for weight, mean, var in parts]

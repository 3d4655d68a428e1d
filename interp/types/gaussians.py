"""Gaussians of the nodes of a layer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from interp.types.arrays import Array
from interp.types.shown import Shown


@dataclass(frozen=True, repr=False)
class GaussianFit(Shown):
    """1D Gaussians of every node of one layer.

    Attributes
    ----------
    count
        Rows seen.
    mean, var, skewness, kurtosis, minimum, maximum
        (N,); var divides by count; kurtosis is excess (0 for a Gaussian).
    class_count
        (C,) rows of each class.
    class_mean, class_var
        (C, N); NaN where a class has no rows.
    weight, component_mean, component_var
        (N, K) mixture by BIC, components by mean; weight 0 and NaN beyond a node's own number.
    components
        (N,) number of components chosen.
    bic
        (N, K) of the fits with 1..K components; lower is better.
    ks, ks_mixture
        (N,) Kolmogorov-Smirnov distance to the one Gaussian and to the mixture, in [0, 1].
    positive_share
        (N,) share of rows with z > 0.
    histogram
        (N, B) rows per equal-width bin of [minimum, maximum].
    sampled
        (M,) nodes drawn for mixtures, ascending; None: all. The others have one component, and no BIC of more.
    """

    count: int
    mean: Array
    var: Array
    skewness: Array
    kurtosis: Array
    minimum: Array
    maximum: Array
    class_count: Array
    class_mean: Array
    class_var: Array
    weight: Array
    component_mean: Array
    component_var: Array
    components: Array
    bic: Array
    ks: Array
    ks_mixture: Array
    positive_share: Array
    histogram: Array
    sampled: Array | None = None

    @property
    def nodes(self) -> Array:
        """(M,) nodes whose mixtures were fitted."""
        return np.arange(len(self.mean)) if self.sampled is None else self.sampled

    def of(self, nodes: Array) -> GaussianFit:
        """Give the fit of some nodes (M,) alone."""
        per_class = {name: getattr(self, name)[:, nodes] for name in ("class_mean", "class_var")}
        kept = {"count", "class_count", "sampled", *per_class}
        per_node = {part.name: getattr(self, part.name)[nodes] for part in fields(self) if part.name not in kept}
        return replace(self, **per_class, **per_node, sampled=None)

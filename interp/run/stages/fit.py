"""Fit 1D Gaussians and mixtures to every node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from interp.analysis.gaussians import fit_values
from interp.network.caps import drawn_nodes
from interp.run.recorded import each_layer, values_for_fit
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.types import GaussianFit, NodeLayer, Recording

HISTOGRAMS = 20
"""Arrays of every node's bins that are in memory at once, about."""


def run(run: Run) -> dict[str, GaussianFit]:
    """Fit the nodes of every layer.

    Parameters
    ----------
    run
        Model, data, options and folder.

    Returns
    -------
    dict
        Layer name -> Gaussians and mixtures of its nodes.
    """
    values_of, in_any_order = values_for_fit(run, run.options.gaussians.bins)

    def one(layer: NodeLayer, recording: Recording) -> GaussianFit:
        sampled = drawn_nodes(layer, run.options.limits.nodes_per_layer, run.options.seed)
        return fit_values(values_of(layer, recording), run.options.gaussians, sampled)

    def values(layer: NodeLayer, recording: Recording) -> int:
        return layer.nodes * run.options.gaussians.bins * HISTOGRAMS

    return each_layer(run, one, values=values if in_any_order else None)


def summarise(found: Mapping[str, GaussianFit]) -> Iterator[str]:
    """Say how many components the nodes of each layer have."""
    yield f"{counted(sum(len(fit.nodes) for fit in found.values()), 'node')} in {counted(len(found), 'layer')}"
    for layer, fit in found.items():
        used = np.bincount(fit.components, minlength=fit.weight.shape[1] + 1)[1:].tolist()
        yield f"{layer}: {len(fit.mean)} nodes on {fit.count:,} rows; nodes with 1, 2, ... components: {used}"


STAGE = Stage(
    "fit",
    does=__doc__,
    file="gaussians.h5",
    result=GaussianFit,
    needs=("record",),
    run=run,
    summarise=summarise,
    options=("seed", "gaussians", "limits.nodes_per_layer"),
    field="fits",
    is_divided=True,
)

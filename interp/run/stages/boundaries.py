"""Tell coherent boundaries from adhoc ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from interp.analysis import classify_boundaries, fit_gaussians
from interp.run.recorded import affine_of, each_layer, outputs_of, rows_of, samples_behind
from interp.run.stage import Run, Stage
from interp.types import Array, Boundaries, GaussianFit, NodeLayer, Recording

MOST_ROWS = 20_000
"""Rows that random directions are fitted on, evenly among those recorded."""

BINS = 128
"""Bins of their histograms."""


def run(run: Run) -> dict[str, Boundaries]:
    """Classify the boundaries of every layer beside their nulls.

    Parameters
    ----------
    run
        Model, data, options and folder.

    Returns
    -------
    dict
        Layer name -> kinds of its nodes' boundaries.
    """
    fits: Mapping[str, GaussianFit] = run.read("fit")
    samples = samples_behind(run)

    def one(layer: NodeLayer, recording: Recording) -> Boundaries:
        affine = affine_of(run, layer)
        return classify_boundaries(
            fits[layer.name],
            run.options.thresholds,
            dead=np.ptp(recording.output_range[layer.name], axis=0) <= 0,
            bias=None if affine is None else affine[1],
            directions=_random_directions(run, layer, recording) if affine is not None else None,
            loss=_losses(run, layer),
            samples=samples if recording.kept is None else len(recording.kept),
            seed=run.options.seed,
        )

    def values(layer: NodeLayer, recording: Recording) -> int:
        rows = min(recording.z[layer.name].shape[0], MOST_ROWS)
        return rows * run.options.directions + layer.nodes * run.options.gaussians.bins

    return each_layer(run, one, values=values)


def _losses(run: Run, layer: NodeLayer) -> Array | None:
    """Give the mean squared error of each ReLU whose output has a target of its own, as in experiment 1 of as-NN.

    The published counts hold if only ReLU nodes can be dead; an Abs node is counted by its distance whatever its error.
    """
    targets, is_last = run.data.train.targets, run.model.is_last(layer)
    fits = targets is not None and is_last and layer.activation == "relu" and targets.shape[1] == layer.nodes
    if run.options.thresholds.rule != "mean" or targets is None or not fits:
        return None
    outputs = outputs_of(run).double().numpy()
    return np.asarray(np.mean((outputs - targets) ** 2, axis=0))


def _random_directions(run: Run, layer: NodeLayer, recording: Recording) -> GaussianFit | None:
    """Fit isotropic random directions through the layer's inputs; thinned rows and coarse bins do for a null."""
    if not run.options.directions:
        return None
    step = -(-recording.z[layer.name].shape[0] // MOST_ROWS)
    weights = np.random.default_rng([run.options.seed, 1]).normal(size=(layer.inputs, run.options.directions))
    labels, z, kept, start = recording.row_labels(layer.name), [], [], 0
    for part in rows_of(run, recording, layer):
        rows = np.arange(-start % step, len(part.z), step)
        z.append(part.layer_input[rows] @ weights)
        kept.append(rows + start)
        start += len(part.z)
    options = replace(run.options.gaussians, bins=min(run.options.gaussians.bins, BINS), crossed=False)
    return fit_gaussians(np.concatenate(z), None if labels is None else labels[np.concatenate(kept)], options)


def summarise(found: Mapping[str, Boundaries]) -> Iterator[str]:
    """Count the kinds of each layer, and set the share of coherent ones beside chance."""
    yield _counts(sum((Counter(boundaries.counts) for boundaries in found.values()), Counter()))
    for layer, boundaries in found.items():
        at = boundaries.at_threshold
        null = boundaries.null_share.get("random point")
        chance = "" if null is None else f"; share {boundaries.share[at]:.2f}, by chance {null[at]:.2f}"
        yield f"{layer}: {_counts(boundaries.counts)}{chance}"


def _counts(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


STAGE = Stage(
    "boundaries",
    does=__doc__,
    file="boundaries.h5",
    result=Boundaries,
    needs=("record", "fit"),
    run=run,
    summarise=summarise,
    options=("seed", "thresholds", "gaussians", "directions"),
    field="boundaries",
    is_divided=True,
)

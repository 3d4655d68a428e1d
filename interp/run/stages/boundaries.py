"""Tell coherent boundaries from ad hoc ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from interp.analysis import classify_boundaries, fit_gaussians
from interp.recording import layer_rows
from interp.run.recorded import affine_of, each_layer
from interp.run.run import Run
from interp.run.stage import Stage
from interp.types import Boundaries, GaussianFit, NodeLayer, Recording


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

    def one(layer: NodeLayer, recording: Recording) -> Boundaries:
        affine = affine_of(run, layer)
        return classify_boundaries(
            fits[layer.name],
            run.options.thresholds,
            dead=np.ptp(recording.output_range[layer.name], axis=0) <= 0,
            bias=None if affine is None else affine[1],
            directions=_random_directions(run, layer, recording) if affine is not None else None,
            seed=run.options.seed,
        )

    return each_layer(run, one)


def _random_directions(run: Run, layer: NodeLayer, recording: Recording, most: int = 20_000) -> GaussianFit | None:
    """Fit isotropic random directions through the layer's inputs; a thinned set of rows is enough for a null."""
    if not run.options.directions:
        return None
    step = -(-recording.z[layer.name].shape[0] // most)
    weights = np.random.default_rng([run.options.seed, 1]).normal(size=(layer.inputs, run.options.directions))
    parts = [part.layer_input[::step] @ weights for part in layer_rows(run.model, run.data, recording, layer.name)]
    return fit_gaussians(np.concatenate(parts), None, run.options.gaussians)


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
)

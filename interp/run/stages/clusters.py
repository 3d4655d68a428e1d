"""Compare prototypes with k-means centroids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from interp.analysis import UntrainedOptions, beside_untrained
from interp.analysis.clusters import match_all
from interp.network.caps import capped
from interp.run.recorded import affine_of, each_layer, recorded_by_process, rows_of
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.tasks import find_task
from interp.types import Array, ClusterMatch, LabelledInputs, NodeLayer, Prototypes, Recording


def run(run: Run) -> dict[str, tuple[ClusterMatch, ...]]:
    """Compare every layer's prototypes with k-means, with as many centroids as prototypes and as many as classes.

    Parameters
    ----------
    run
        Model, data, options and folder.

    Returns
    -------
    dict
        Layer name -> its prototypes beside k-means, for one number of centroids or two.
    """
    prototypes: Mapping[str, Prototypes] = run.read("prototypes")

    def one(layer: NodeLayer, recording: Recording) -> tuple[ClusterMatch, ...]:
        train = _sample(run, recording, layer)
        test = _sample(run, held_out(), layer) if "test" in run.data.splits else train
        found = prototypes[layer.name]
        nodes = len(found.nodes)
        classes = max(len(run.data.classes), 2) if find_task(run.model.task).counted else nodes
        ks = sorted({nodes, classes}, reverse=True)
        matches = match_all(train, test, found.layer_input, found.effective_count, ks, run.options.clusters)
        affine = affine_of(run, layer)
        return tuple(matches if affine is None else _beside_untrained(run, layer, train, matches, affine))

    def values(layer: NodeLayer, recording: Recording) -> int:
        return layer.inputs * min(recording.z[layer.name].shape[0], run.options.clusters.rows)

    with recorded_by_process(run, "test") as held_out:
        return each_layer(run, one, values=values)


def _beside_untrained(
    run: Run, layer: NodeLayer, train: LabelledInputs, matches: Sequence[ClusterMatch], affine: tuple[Array, Array]
) -> Iterator[ClusterMatch]:
    """Add how close the prototypes of untrained layers lie to the same centroids."""
    plain, most = UntrainedOptions(), run.options.limits.nodes_per_layer
    options = replace(
        plain,
        seed=run.options.clusters.seed,
        rows=min(plain.rows, run.options.clusters.rows // 2),
        nodes=capped(plain.nodes, most),
    )
    centroids = [match.centroids for match in matches]
    tables = beside_untrained(train.inputs, centroids, *affine, layer.activation, options, run.options.prototypes)
    for match, table in zip(matches, tables, strict=True):
        yield replace(match, untrained=table)


def _sample(run: Run, recording: Recording, layer: NodeLayer) -> LabelledInputs:
    """Draw rows of a layer's input, enough for k-means and for measuring classifiers."""
    rows = recording.z[layer.name].shape[0]
    chosen = np.zeros(rows, bool)
    chosen[np.random.default_rng(run.options.seed).permutation(rows)[: run.options.clusters.rows]] = True
    parts, start = [], 0
    for part in rows_of(run, recording, layer):
        parts.append(part.layer_input[chosen[start : start + len(part.z)]])
        start += len(part.z)
    sample = recording.sample[layer.name][chosen]
    labels = recording.labels if find_task(run.model.task).counted else None
    labels = None if labels is None else labels[sample]
    return LabelledInputs(np.concatenate(parts), labels, recording.predictions[sample])


def summarise(found: Mapping[str, tuple[ClusterMatch, ...]]) -> Iterator[str]:
    """Say how many centroids were fitted to how many rows of each layer."""
    yield f"k-means in {counted(len(found), 'layer')}"
    for layer, matches in found.items():
        centroids = ", ".join(str(match.k) for match in matches)
        yield f"{layer}: k-means with {centroids} centroids on {matches[0].rows:,} rows"


STAGE = Stage(
    "clusters",
    does=__doc__,
    file="clusters.h5",
    result=ClusterMatch,
    needs=("record", "prototypes"),
    run=run,
    summarise=summarise,
    options=("seed", "clusters", "prototypes", "limits.nodes_per_layer"),
    field="clusters",
    is_divided=True,
)

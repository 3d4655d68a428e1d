"""Runs the stages in order, each from the files of the ones before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from interp.analysis.boundaries import classify_boundaries
from interp.analysis.clusters import Sample, match_clusters
from interp.analysis.gaussians import fit_gaussians
from interp.analysis.prototypes import find_prototypes
from interp.errors import MismatchError
from interp.interventions import Ranges, intervene, output_ranges, over_runs
from interp.network.caps import drawn_nodes
from interp.network.inputs import as_tensor, device_of
from interp.network.linear_maps import affine_map
from interp.recording.record import layer_samples, record_activations
from interp.run.run import RUNS_FILE, Run, command_of, start_others
from interp.store import check_layers, check_same, check_tables, open_recording, read_results, write_results
from interp.tasks.tasks import COUNTED
from interp.types import (
    Array,
    Attribution,
    Boundaries,
    ClusterMatch,
    Effects,
    GaussianFit,
    LoadedModel,
    NodeLayer,
    Prototypes,
    Provenance,
    Recording,
    Results,
    RunEffects,
)
from interp.verdict.attribution import attribute
from interp.verdict.judge import judge

Result = TypeVar("Result")


# --------------------------------------------------------------------------- stages


def run_record(run: Run) -> None:
    """Record both splits, unless the same recording is there."""
    path = run.path("record")
    if path.exists():
        try:
            with open_recording(path) as found:
                check_same(path, found.provenance, run.provenance, command_of("record"))
                if _same_recording(found.provenance, run.provenance):
                    return
        except MismatchError:
            pass  # another model's or damaged: made anew below
    record_activations(run.model, run.data, path, run.provenance, run.options.seed)


def _same_recording(found: Provenance, wanted: Provenance) -> bool:
    """Whether a recording was made from the same files, read the same way, with the same draws."""
    return found.seed == wanted.seed and found.settings.get("reading") == wanted.settings.get("reading")


def run_fit(run: Run) -> dict[str, GaussianFit]:
    """Fit Gaussians to the nodes of every layer."""

    def one(layer: NodeLayer, recording: Recording) -> GaussianFit:
        sampled = drawn_nodes(layer, run.options.limits.nodes_per_layer, run.options.seed)
        return fit_gaussians(recording.z[layer.name], recording.row_labels(layer.name), run.options.gaussians, sampled)

    return _each_layer(run, "fit", one)


def run_boundaries(run: Run) -> dict[str, Boundaries]:
    """Classify the boundaries of every layer beside their nulls."""
    fits = _read(run, "fit", GaussianFit)

    def one(layer: NodeLayer, recording: Recording) -> Boundaries:
        affine = _affine(run, layer)
        return classify_boundaries(
            fits[layer.name],
            run.options.thresholds,
            dead=np.ptp(recording.output_range[layer.name], axis=0) <= 0,
            bias=None if affine is None else affine[1],
            directions=_random_directions(run, layer, recording) if affine is not None else None,
            seed=run.options.seed,
        )

    return _each_layer(run, "boundaries", one)


def _affine(run: Run, layer: NodeLayer) -> tuple[Array, Array] | None:
    """Give a layer's weights and biases, tried on two samples."""
    example = as_tensor(run.data.train.inputs[:2], run.model.scaling, run.model.input_shape)
    return affine_map(run.model.module, layer, example.to(device_of(run.model.module)))


def _random_directions(run: Run, layer: NodeLayer, recording: Recording, most: int = 20_000) -> GaussianFit | None:
    """Fit isotropic random directions through the layer's inputs; a thinned set of rows is enough for a null."""
    if not run.options.directions:
        return None
    step = -(-recording.z[layer.name].shape[0] // most)
    weights = np.random.default_rng([run.options.seed, 1]).normal(size=(layer.inputs, run.options.directions))
    parts = [part.layer_input[::step] @ weights for part in layer_samples(run.model, run.data, recording, layer.name)]
    return fit_gaussians(np.concatenate(parts), None, run.options.gaussians)


def run_prototypes(run: Run) -> dict[str, Prototypes]:
    """Average the inputs that the nodes of every layer stand for."""
    fits, boundaries = _read(run, "fit", GaussianFit), _read(run, "boundaries", Boundaries)

    def one(layer: NodeLayer, recording: Recording) -> Prototypes:
        return find_prototypes(
            layer_samples(run.model, run.data, recording, layer.name),
            recording.z[layer.name],
            recording.sample[layer.name],
            fits[layer.name],
            boundaries[layer.name],
            layer.activation,
            _affine(run, layer),
            run.options.prototypes,
        )

    return _each_layer(run, "prototypes", one)


def run_clusters(run: Run) -> dict[str, tuple[ClusterMatch, ...]]:
    """Hold every layer's prototypes against k-means, with k = prototypes of a kind and k = classes."""
    prototypes = _read(run, "prototypes", Prototypes)

    def one(layer: NodeLayer, recording: Recording) -> tuple[ClusterMatch, ...]:
        train = _cluster_sample(run, recording, layer)
        test = train
        if "test" in run.data.splits:
            with open_recording(run.path("record"), "test") as held_out:
                test = _cluster_sample(run, held_out, layer)
        found = prototypes[layer.name]
        nodes = len(found.nodes)
        classes = max(len(run.data.classes), 2) if run.model.task in COUNTED else nodes
        ks = sorted({nodes, classes}, reverse=True)
        return tuple(
            match_clusters(train, test, found.layer_input, found.effective_count, k, run.options.clusters) for k in ks
        )

    return _each_layer(run, "clusters", one)


def _cluster_sample(run: Run, recording: Recording, layer: NodeLayer) -> Sample:
    """Draw rows of a layer's input, enough for k-means and for measuring classifiers."""
    rows = recording.z[layer.name].shape[0]
    chosen = np.zeros(rows, bool)
    chosen[np.random.default_rng(run.options.seed).permutation(rows)[: run.options.clusters.rows]] = True
    parts, start = [], 0
    for part in layer_samples(run.model, run.data, recording, layer.name):
        parts.append(part.layer_input[chosen[start : start + len(part.z)]])
        start += len(part.z)
    sample = recording.sample[layer.name][chosen]
    labels = None if recording.labels is None or run.model.task not in COUNTED else recording.labels[sample]
    return Sample(np.concatenate(parts), labels, recording.predictions[sample])


def run_interventions(run: Run) -> Effects:
    """Sweep the layers and silence the nodes."""
    with open_recording(run.path("record")) as recording:
        _check_recording(run, recording)
        ranges = {name: Ranges(*found) for name, found in recording.output_range.items()}
        effects = intervene(run.model, run.data, ranges, recording.output_mean, run.options.interventions)
    write_results(run.path("intervene"), {"all": effects}, run.provenance)
    return effects


def run_several(run: Run, checkpoints: Sequence[str | Path]) -> RunEffects:
    """Sweep the layers of a run's network and of further ones of its architecture, and test over all of them.

    Raises
    ------
    UsageError
        If one of them has another architecture.
    """
    models = [run.model, *start_others(run, checkpoints)]
    swept = [_sweep_of(model, run) for model in tqdm(models, desc="networks", disable=None)]
    found = over_runs(models, swept)
    write_results(run.out / RUNS_FILE, {"all": found}, run.provenance)
    return found


def _sweep_of(model: LoadedModel, run: Run) -> Effects:
    """Sweep whole layers only, in levels of the network's own ranges."""
    inputs = run.data.train.inputs
    ranges = {layer.name: output_ranges(model, layer, inputs) for layer in model.layers}
    plain = replace(run.options.interventions, ablation=False, curve_levels=0, control_samples=0, groups=())
    return intervene(model, run.data, ranges, {}, plain)


def run_attribution(run: Run) -> dict[str, Attribution]:
    """Set Captum's node importance beside ours, for every hidden layer."""
    split = run.data.splits.get("test", run.data.train)

    def one(layer: NodeLayer, recording: Recording) -> Attribution:
        return attribute(run.model, layer, split, run.options.attribution)

    return _each_layer(run, "attribute", one, _attributed(run))


def _attributed(run: Run) -> tuple[NodeLayer, ...]:
    """Give the hidden layers that are attributed."""
    chosen = run.options.attribution.layers
    return tuple(layer for layer in run.model.layers[:-1] if not chosen or layer.name in chosen)


STAGES: dict[str, Callable[[Run], object]] = {
    "record": run_record,
    "fit": run_fit,
    "boundaries": run_boundaries,
    "prototypes": run_prototypes,
    "clusters": run_clusters,
    "intervene": run_interventions,
    "attribute": run_attribution,
}
"""The stages in the order in which they need each other."""


def run_all(run: Run, others: Sequence[str | Path] = ()) -> Results:
    """Run every stage and judge what was found.

    Parameters
    ----------
    others
        Checkpoints of the same architecture, for what is tested over several runs.
    """
    for name, stage in (bar := tqdm(STAGES.items(), desc="stages", disable=None)):
        bar.set_postfix_str(name)
        stage(run)
    found = read_run(run)
    return replace(found, runs=run_several(run, others)) if others else found


def read_run(run: Run) -> Results:
    """Read the results of all stages from their files.

    Raises
    ------
    MismatchError
        If one is missing, or belongs to another model or data set.
    """
    boundaries = _read(run, "boundaries", Boundaries)
    effects = _effects(run)
    attribution = _read(run, "attribute", Attribution, _attributed(run))
    return Results(
        model=run.model,
        data=run.data,
        fits=_read(run, "fit", GaussianFit),
        boundaries=boundaries,
        prototypes=_read(run, "prototypes", Prototypes),
        clusters=_read(run, "clusters", ClusterMatch),  # type: ignore[arg-type]
        effects=effects,
        attribution=attribution,
        verdict=judge(run.model, run.data, boundaries, effects, attribution, run.limits),
        provenance=run.provenance,
        limits=run.limits,
    )


# --------------------------------------------------------------------------- files


def _each_layer(
    run: Run, stage: str, one: Callable[[NodeLayer, Recording], Result], layers: tuple[NodeLayer, ...] | None = None
) -> dict[str, Result]:
    """Run one layer after the other on the recording, and write the stage's file."""
    with open_recording(run.path("record")) as recording:
        _check_recording(run, recording)
        results = {layer.name: one(layer, recording) for layer in (run.model.layers if layers is None else layers)}
    write_results(run.path(stage), results, run.provenance)
    return results


def _read(run: Run, stage: str, kind: type[Result], layers: tuple[NodeLayer, ...] | None = None) -> dict[str, Result]:
    results, provenance = read_results(run.path(stage), kind, command_of(stage))
    _check(run, stage, provenance)
    check_layers(run.path(stage), results, run.model.layers if layers is None else layers, command_of(stage))
    return results


def _effects(run: Run) -> Effects:
    path, remedy = run.path("intervene"), command_of("intervene")
    results, provenance = read_results(path, Effects, remedy)
    _check(run, "intervene", provenance)
    if set(results) != {"all"}:
        raise MismatchError(path, found="other results", expected="those of all layers", do=f"run `{remedy}`")
    check_tables(path, results["all"], remedy)
    return results["all"]


def _check_recording(run: Run, recording: Recording) -> None:
    _check(run, "record", recording.provenance)
    if recording.layers != run.model.layers:
        found = ", ".join(layer.name for layer in recording.layers) or "none"
        remedy = f"run `{command_of('record')}`"
        raise MismatchError(run.path("record"), found=f"layers {found}", expected="the network's own", do=remedy)


def _check(run: Run, stage: str, provenance: Provenance) -> None:
    check_same(run.path(stage), provenance, run.provenance, command_of(stage))

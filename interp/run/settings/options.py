"""Everything that shapes a run; and, of a large network, how much of it that leaves out."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from interp.analysis import ClusterOptions, GaussianOptions, PrototypeOptions
from interp.interventions import InterventionOptions, levels
from interp.network.caps import capped, least
from interp.recording import StoreOptions, multiply_adds
from interp.recording.kept import Store, rule_of, store_of, stored_samples
from interp.recording.positions import position_counts, positions_a_sample
from interp.recording.predictions import has_predictions
from interp.run.settings.limits import PER_GATE, Limits, settled, spread_layers
from interp.types import Dataset, Limit, LoadedModel, Thresholds
from interp.types.annotations.flags import Flag, Seed, Within
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions


@dataclass(frozen=True)
class Options:
    """Everything that shapes a run, saved with every result.

    Attributes
    ----------
    seed
        Seed of every random draw.
    recording
        Options of how activations are stored.
    store_seed
        Seed of the draw of samples whose activations are stored, and of positions; None: that of every draw. Later
        commands in a folder have here the seed that its recording was made with.
    quick_layers
        Names of the layers that a quick look at a recurrent network takes, empty for all; None: those of the choice by
        depth. Later commands in a folder have here the ones of its recording.
    store
        Samples of each split whose activations are written to disk: all (True), a share (0.1 or 10%) or a number (5000)
        that a hash of index and seed draws, or none (False), and then statistics of all are, and stages that need
        single values run the network again.
    thresholds
        Thresholds of the kinds of boundaries.
    gaussians
        Options of the fits.
    prototypes
        Options of the prototypes.
    clusters
        Options of the comparison with k-means.
    interventions
        Options of the sweeps.
    attribution
        Options of the node importance.
    reading
        Options of the reading profile.
    directions
        Number of random directions a layer, for the nulls made of them; 0 leaves these out.
    limits
        Caps on what the other options say, for large networks.
    """

    seed: Annotated[int, Flag(low=0, high=2**32 - 1)] = 0
    recording: StoreOptions = field(default_factory=StoreOptions)
    store_seed: Seed | None = None
    quick_layers: tuple[str, ...] | None = None
    store: Annotated[Store, Flag(default="all", read=store_of)] = True
    thresholds: Thresholds = field(default_factory=Thresholds)
    gaussians: GaussianOptions = field(default_factory=GaussianOptions)
    prototypes: PrototypeOptions = field(default_factory=PrototypeOptions)
    clusters: ClusterOptions = field(default_factory=ClusterOptions)
    interventions: InterventionOptions = field(default_factory=InterventionOptions)
    attribution: AttributionOptions = field(default_factory=AttributionOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    directions: Annotated[int, Within(low=0)] = 96
    limits: Limits = field(default_factory=Limits)

    @property
    def recorded_seed(self) -> int:
        """Seed of all draws of what is recorded."""
        return self.seed if self.store_seed is None else self.store_seed


SWEPT = ("interventions.layers", "interventions.single_nodes", "interventions.inputs", "interventions.levels")
SCORED = ("attribution.layers", "attribution.single_nodes", "attribution.samples")
REACHES: dict[str, tuple[str, ...]] = {
    "seed": ("recorded_seed", "interventions.seed", "clusters.seed", "attribution.seed", "reading.seed"),
    "interventions.layers": ("attribution.layers",),
    "limits.everything": ("limits.nodes_per_layer", "directions", *SWEPT, "interventions.curve_levels", *SCORED),
    "limits.quick": (
        "limits.nodes_per_layer",
        "clusters.rows",
        "reading.samples",
        "reading.work",
        "directions",
        *SWEPT,
        "interventions.curve_levels",
        *SCORED,
    ),
    "limits.single_nodes": ("interventions.single_nodes", "attribution.single_nodes"),
    "limits.swept_layers": ("interventions.layers", "attribution.layers"),
    "limits.inputs": ("interventions.inputs", "attribution.samples"),
}
"""Option -> other options that follow from it."""


def within_limits(options: Options, model: LoadedModel, data: Dataset) -> Options:
    """Cap options by their limits, filled in for the size of the network.

    Parameters
    ----------
    options
        Options as the user set them.
    model
        Loaded network.
    data
        Data set that it is looked at with.

    Returns
    -------
    Options
        Options that the stages run with.
    """
    sweeps, scores = options.interventions, options.attribution
    work = partial(multiply_adds, model, data, PER_GATE)
    caps = settled(options.limits, model.layers, data.width, work, model.every_layer)
    layers = sweeps.layers or spread_layers(model.layers, caps.swept_layers)
    swept = replace(
        sweeps,
        layers=layers,
        single_nodes=least(sweeps.single_nodes, caps.single_nodes),
        inputs=least(sweeps.inputs, caps.inputs),
        levels=capped(sweeps.levels, caps.levels),
        curve_levels=capped(sweeps.curve_levels, caps.curve_levels),
    )
    scored = replace(
        scores,
        samples=capped(scores.samples, caps.inputs),
        single_nodes=least(scores.single_nodes, caps.single_nodes),
        layers=scores.layers or (() if caps.swept_layers is None else layers),
    )
    return replace(
        options,
        limits=caps,
        clusters=replace(options.clusters, rows=capped(options.clusters.rows, caps.rows)),
        reading=replace(
            options.reading,
            samples=capped(options.reading.samples, caps.read_samples),
            work=capped(options.reading.work, caps.read_work),
        ),
        interventions=swept,
        attribution=scored,
        directions=capped(options.directions, caps.directions),
    )


def left_out(
    asked: Options, used: Options, model: LoadedModel, data: Dataset, not_run: Container[str] = ()
) -> tuple[Limit, ...]:
    """List the parts of a network, or of the options' wishes, that options within limits leave out.

    Parameters
    ----------
    asked
        Options as the user set them.
    used
        Options that the stages run with.
    model
        Loaded network.
    data
        Data set that it is looked at with.
    not_run
        Names of stages that are left out; nothing is said of what their options leave out.
    """
    found = (
        *(_nodes(used, model) if "fit" not in not_run else ()),
        *_steps(used, model, data),
        *_stored(used, data),
        *_positions(used, model, data),
        *_predictions(used, model, data),
        *(_rows(asked, used, data) if "clusters" not in not_run else ()),
        *(_read(asked, used, data) if "read" not in not_run else ()),
        *(_sweeps(asked, used, model, data) if "intervene" not in not_run else ()),
        *(_directions(asked, used) if "boundaries" not in not_run else ()),
    )
    return tuple(limit for limit in found if limit.looked_at < limit.of)


def _stored(used: Options, data: Dataset) -> Iterator[Limit]:
    for name, split in data.splits.items():
        kept = stored_samples(len(split), used.store, used.recorded_seed)
        what = f"samples of the {name} split whose activations are stored, which fits and prototypes are of"
        found = len(split) if kept is None else len(kept)
        yield Limit(what, found, len(split), rule_of(used.store, used.recorded_seed), "--store")


def _nodes(used: Options, model: LoadedModel) -> Iterator[Limit]:
    most, total = used.limits.nodes_per_layer, sum(layer.nodes for layer in model.layers)
    yield Limit(
        "nodes of all layers with mixtures, prototypes and centroids",
        sum(capped(layer.nodes, most) for layer in model.layers),
        total,
        f"{most} of each layer, drawn at random; shares and nulls are theirs",
        "--nodes-per-layer",
    )


def _steps(used: Options, model: LoadedModel, data: Dataset) -> Iterator[Limit]:
    stepwise = [layer for layer in model.layers if layer.is_stepwise]
    counts = position_counts(model, data) if stepwise else {}
    for layer in stepwise[:1]:
        of = counts[layer.name]
        what = "time steps of each sequence that are recorded"
        kept = positions_a_sample(of, data, True, asked=used.recording.positions)
        yield Limit(what, kept, _own(of, data), "drawn at random", "--positions, or fewer sequences")


def _own(count: int, data: Dataset) -> int:
    """Give how many of `count` positions a sample can have recorded: of padded sequences their mean length."""
    lengths = data.train.lengths
    return count if lengths is None else min(count, max(1, round(float(lengths.mean()))))


def _positions(used: Options, model: LoadedModel, data: Dataset) -> Iterator[Limit]:
    asked = used.recording.positions  # where none is, tables of bounded length are what all runs have
    counts = position_counts(model, data) if asked is not None else {}
    known = {layer.name: counts[layer.name] for layer in model.layers if counts and not layer.is_stepwise}
    if known:
        most = max(known, key=lambda name: known[name])
        what = f"positions of each sample that are recorded of {most}, the layer that has the most"
        kept = positions_a_sample(counts[most], data, asked=asked)
        rule = f"drawn at random with the seed {used.recorded_seed}"
        yield Limit(what, kept, _own(counts[most], data), rule, "--positions")


def _predictions(used: Options, model: LoadedModel, data: Dataset) -> Iterator[Limit]:
    if not used.recording.predictions and has_predictions(model):
        what = "samples whose predicted class is recorded, for agreement with k-means and classes never predicted"
        rule = "none: what follows the last layer that is looked at is not run while recording"
        yield Limit(what, 0, sum(map(len, data.splits.values())), rule, "leaving out --no-predictions")


def _rows(asked: Options, used: Options, data: Dataset) -> Iterator[Limit]:
    if used.limits.rows is not None:
        seen, of = (capped(len(data.train), one.clusters.rows) for one in (used, asked))
        yield Limit("training rows that k-means is fitted to", seen, of, "drawn at random", "leaving out --quick")


def _read(asked: Options, used: Options, data: Dataset) -> Iterator[Limit]:
    seen, of = (capped(len(data.train), one.reading.samples) for one in (used, asked))
    yield Limit("samples that layers are read on", seen, of, "drawn at random", "leaving out --quick")


def _sweeps(asked: Options, used: Options, model: LoadedModel, data: Dataset) -> Iterator[Limit]:
    sweeps, plain = used.interventions, asked.interventions
    layers = [layer for layer in model.layers if not sweeps.layers or layer.name in sweeps.layers]
    yield Limit(
        "layers swept, compared with shuffled copies and attributed",
        len(layers),
        len(layers) if plain.layers else len(model.layers),
        "evenly over depth, the first and the last among them",
        "--swept-layers or --layers",
    )
    yield Limit(
        "nodes of these layers silenced, clamped and attributed, one at a time",
        sum(capped(layer.nodes, sweeps.single_nodes) for layer in layers),
        sum(layer.nodes for layer in layers),
        f"{sweeps.single_nodes} of each, the first drawn",
        "--single-nodes",
    )
    for name, split in data.splits.items():
        rule = "drawn at random, for all that"
        yield Limit(
            f"inputs of the {name} split that interventions are tried on",
            capped(len(split), sweeps.inputs),
            len(split),
            rule,
            "--inputs",
        )
    counts = [sum(len(levels(kind, count)) for kind in sweeps.interventions) for count in (sweeps.levels, plain.levels)]
    yield Limit(
        "levels at which whole layers are changed, all kinds of interventions together",
        counts[0],
        counts[1],
        "the published ones first",
        "--levels",
    )
    yield Limit(
        "values that single nodes are held at (clamp curves)",
        sweeps.curve_levels,
        plain.curve_levels,
        "even",
        "--curve-levels",
    )


def _directions(asked: Options, used: Options) -> Iterator[Limit]:
    yield Limit(
        "random directions a layer, of that null", used.directions, asked.directions, "drawn at random", "--everything"
    )

"""Sweeps over the layers of a network, as one tidy table with intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np

from interp.interventions.checks import ranges_of_layers
from interp.interventions.edits import Edit, Ranges, ablate, find_intervention
from interp.interventions.engine.measure import Measured, counted, measure
from interp.interventions.engine.tally import Tally, tally
from interp.interventions.groups import find_group, sweep_group
from interp.interventions.levels import PUBLISHED, levels
from interp.interventions.readouts.balance import balanced, class_number
from interp.interventions.readouts.control import compare_with_control
from interp.interventions.readouts.curves import clamp_curves, node_levels
from interp.interventions.readouts.falling import falls
from interp.interventions.readouts.held_out import node_splits
from interp.interventions.readouts.rows import (
    Level,
    class_rows,
    corrected,
    labelled,
    level_rows,
    node_class_rows,
    node_rows,
)
from interp.network.caps import chosen_nodes, least
from interp.network.own_data import check_data
from interp.tasks import find_task
from interp.types import Array, Dataset, Effects, LoadedModel, NodeLayer, Split
from interp.types.annotations.edge import checked
from interp.types.annotations.fields import table_columns
from interp.types.annotations.flags import Flag, Seed, Within
from interp.types.annotations.frames import pd
from interp.types.parts import Keep, made_now

MOST_LEVELS = 10_000


@dataclass(frozen=True)
class InterventionOptions:
    """Settings of the sweeps.

    Attributes
    ----------
    levels
        Number of levels of each intervention.
    ablation
        Whether single nodes are silenced too, with 0 and with their mean output: on the test split, which tests them,
        and on the training split.
    convolution_samples
        Largest number of inputs of each split where the network has convolutions or is recurrent, drawn at random.
    interventions
        Names of what is done to each layer: scale, clip, offset, clamp-min, clamp-max, zero, mean, or
        ``package.module:name``.
    seed
        Seed of the random number generator.
    curve_levels
        Number of levels of each node's clamp curves; 0 leaves them out.
    curve_samples
        Largest number of training inputs that these curves are measured on, a quarter of it with
        convolutions or gates.
    control_samples
        Largest number of training inputs for the comparison with shuffled weights, a quarter of it with
        convolutions or gates; 0 leaves it out.
    control_shuffles
        Number of shuffled copies, a quarter of it with convolutions or gates.
    layers
        Names of the layers to sweep; none for all.
    groups
        Layers and nodes that are also changed together, such as ``(("a", "b"), ("a:3", "a:9"))``.
    single_nodes
        Number of nodes of each layer that are silenced and clamped, drawn at random; None for all.
    inputs
        Largest number of inputs of each split for everything; None for the numbers above.
    """

    levels: Annotated[int, Flag(low=1, high=MOST_LEVELS, default="60; large: the published ones")] = 60
    ablation: Annotated[bool, Flag()] = True
    convolution_samples: Annotated[int, Within(low=1)] = 4000
    interventions: Annotated[tuple[str, ...], Flag()] = tuple(PUBLISHED)
    seed: Seed = 0
    curve_levels: Annotated[int, Flag(low=0, high=MOST_LEVELS, default="21; large: none")] = 21
    curve_samples: Annotated[int, Within(low=1)] = 2000
    control_samples: Annotated[int, Within(low=0)] = 4000
    control_shuffles: Annotated[int, Within(low=1)] = 5
    layers: Annotated[tuple[str, ...], Flag(default="all")] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    single_nodes: Annotated[int | None, Within(low=1)] = None
    inputs: Annotated[int | None, Within(low=1)] = None

    def samples(self, most: int | None, part: int = 1) -> int | None:
        """Give how many inputs are used at most: a part of `most`, and no more than `inputs`; None for all."""
        return least(None if most is None else most // part, self.inputs)


@checked
def intervene(
    model: LoadedModel,
    data: Dataset,
    ranges: Mapping[str, Ranges],
    means: Mapping[str, Array],
    options: InterventionOptions = InterventionOptions(),
    keep: Keep = made_now,
) -> Effects:
    """Sweep every layer over every split, and silence every node.

    Parameters
    ----------
    model
        Network of any task.
    data
        Data whose splits are measured.
    ranges
        Output ranges of the nodes of each layer over the training split, by its name.
    means
        Mean outputs of the nodes of each layer over the training split, (N,), by its name; none needed for options
        without ablation and ``mean``.
    options
        Settings of the sweeps.
    keep
        Function that gives each part of the work, kept from before an interrupt or made now; see
        `interp.types.parts.Keep`.

    Returns
    -------
    effects
        Tables of what each change costs.

    Raises
    ------
    UsageError
        If a layer, node or intervention of the options does not exist; close names are given.
    DataError
        If there are no samples, data or ranges are of another network, or the unperturbed network's outputs are not
        numbers.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> from interp.interventions import output_ranges
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> ranges = {"hidden": output_ranges(model, model.layers[0], data.train.inputs)}
    >>> small = {"curve_levels": 0, "control_samples": 0, "inputs": 50}
    >>> options = InterventionOptions(levels=3, ablation=False, interventions=("zero",), **small)
    >>> effects = intervene(model, data, ranges, {}, options)
    >>> effects.whole_layers[["layer", "split", "level", "no_op"]].head(3).values.tolist()
    [['hidden', 'train', 0.0, True], ['hidden', 'train', 0.5, False], ['hidden', 'train', 1.0, False]]
    """
    check_options(model, options)
    check_data(model, data)
    known = ranges_of_layers(model, ranges, means, options.ablation or "mean" in options.interventions)
    part_of = 4 if _is_costly(model) else 1
    most = options.samples(options.convolution_samples if _is_costly(model) else None)
    splits = {name: draw(split, most, options.seed) for name, split in data.splits.items()}
    part = replace(model, layers=tuple(layer for layer in model.layers if _is_chosen(layer, known, options)))
    swept = _sweeps(part, splits, known, options, keep)
    some = draw(data.train, options.samples(options.curve_samples, part_of), options.seed)
    curves = _curves(part, some, known, options, keep)
    read = node_levels(curves)
    control, tolerance = keep("control", lambda: _control(part, data.train, known, options, part_of), kind=pd.DataFrame)
    return Effects(
        swept.whole_layers,
        swept.single_nodes,
        swept.baseline,
        untouched({layer.name: known[layer.name] for layer in part.layers}),
        curves,
        *balanced(part, some, known, read),
        control=control,
        tolerance=tolerance,
        classes=swept.classes,
        falls=falls(swept.classes),
        groups=_groups(model, splits, known, options, keep),
        node_classes=swept.node_classes,
    )


def check_options(model: LoadedModel, options: InterventionOptions) -> None:
    """See that everything the options name exists, before the long work.

    Parameters
    ----------
    model
        Network whose layers the options may name.
    options
        Settings of the sweeps.

    Raises
    ------
    UsageError
        If a layer, node or intervention does not exist; close names are given.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> check_options(model, InterventionOptions(layers=("hidden",), groups=(("hidden:3", "output"),)))
    """
    for kind in options.interventions:
        find_intervention(kind)
    for name in options.layers:
        model.layer(name)
    for sites in options.groups:
        find_group(model, sites, "layers and nodes to intervene on")


def _is_chosen(layer: NodeLayer, ranges: Mapping[str, Ranges], options: InterventionOptions) -> bool:
    return layer.name in ranges and (not options.layers or layer.name in options.layers)


def _sweeps(
    model: LoadedModel,
    splits: Mapping[str, Split],
    ranges: Mapping[str, Ranges],
    options: InterventionOptions,
    keep: Keep,
) -> Effects:
    """Sweep whole layers over every split, and silence single nodes on held-out samples and in training."""
    makes = (
        (f"sweep of {layer.name}", partial(_sweep, model, layer, splits, ranges[layer.name], options))
        for layer in model.layers
    )
    parts = keep.each(makes, Effects)
    return Effects(
        corrected(_joined([part.whole_layers for part in parts]), "layer", "intervention", "split"),
        corrected(_joined([part.single_nodes for part in parts]), "layer", "split"),
        parts[-1].baseline if parts else {},
        {},
        classes=_joined([part.classes for part in parts]),
        node_classes=_joined([part.node_classes for part in parts]),
    )


def _sweep(
    model: LoadedModel, layer: NodeLayer, splits: Mapping[str, Split], ranges: Ranges, options: InterventionOptions
) -> Effects:
    """Sweep one layer, and silence its nodes on held-out samples and in training; q-values are still open."""
    whole, by_class, single, node_classes, baseline = [], [], {}, [], {}
    for_nodes = node_splits(splits, options.seed) if options.ablation else {}
    swept, edits = _levels(ranges, options)
    silenced, ablations = _ablations(layer, ranges, options)
    for name, split in {**splits, **for_nodes}.items():
        levels_here, nodes_here = edits if name in splits else [], ablations if name in for_nodes else []
        found, counts = _measured(model, layer, levels_here, nodes_here, split, f"{layer.name} on {name}")
        key = {"layer": layer.name, "split": name}
        if name in splits:
            baseline[name] = found.baseline
            whole.append(labelled(level_rows(swept, found), **key))
            by_class += [] if counts is None else [labelled(class_rows(swept, counts), **key)]
        if name in for_nodes:
            single[name] = labelled(node_rows(silenced, found), **key)
            if counts is not None and name == next(iter(for_nodes)):
                node_classes.append(labelled(node_class_rows(silenced, counts), layer=layer.name))
    of_nodes = _joined([single[name] for name in for_nodes])
    classes, silent = _joined(by_class), _joined(node_classes)
    return Effects(_joined(whole), of_nodes, baseline, {}, classes=classes, node_classes=silent)


def _measured(
    model: LoadedModel, layer: NodeLayer, edits: list[Edit], ablations: list[Edit], split: Split, note: str
) -> tuple[Measured, Tally | None]:
    """Measure changes, with the counts where samples are right or wrong.

    Before the ablations stands one edit that changes nothing: what each class is held beside.
    """
    changes = [*edits, *([Edit()] if ablations else []), *ablations]
    if not find_task(model.task).counted:
        return measure(model, layer, changes, split, note), None
    counts = tally(model, layer, changes, split, note, class_number(model, split))
    return counted(counts), counts


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables below each other; those without rows would only blur the types of columns."""
    some = [table for table in tables if len(table)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame()


def _levels(ranges: Ranges, options: InterventionOptions) -> tuple[list[Level], list[Edit]]:
    """Give every level of every intervention, and the edits of one layer."""
    swept = [(kind, float(level)) for kind in options.interventions for level in levels(kind, options.levels)]
    return swept, [find_intervention(kind)(level, ranges) for kind, level in swept]


def _ablations(
    layer: NodeLayer, ranges: Ranges, options: InterventionOptions
) -> tuple[list[tuple[str, int]], list[Edit]]:
    """Give (intervention, node) of every ablation of one layer, and the edits."""
    silenced, edits = [], []
    values = {"zero-ablation": np.zeros(layer.nodes), "mean-ablation": ranges.mean}
    for how, value in values.items() if options.ablation else ():
        assert value is not None
        nodes = chosen_nodes(layer, options.single_nodes, options.seed).tolist()
        silenced += [(how, node) for node in nodes]
        edits += [ablate(node, float(value[node])) for node in nodes]
    return silenced, edits


def _curves(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], options: InterventionOptions, keep: Keep
) -> pd.DataFrame:
    """Clamp single nodes of every layer."""

    def one(layer: NodeLayer) -> pd.DataFrame:
        nodes = chosen_nodes(layer, options.single_nodes, options.seed)
        return clamp_curves(model, layer, split, ranges[layer.name], options.curve_levels, nodes)

    layers = model.layers if options.curve_levels else ()
    found = keep.each(((f"curves of {layer.name}", partial(one, layer)) for layer in layers), pd.DataFrame)
    empty = pd.DataFrame(columns=table_columns(Effects, "curves"), dtype=float)
    return pd.concat(found, ignore_index=True) if found else empty


def _control(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], options: InterventionOptions, part: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold the network beside shuffled copies; samples and copies are divided by `part`."""
    most, shuffles = options.samples(options.control_samples, part), max(1, options.control_shuffles // part)
    if not most:
        return pd.DataFrame(), pd.DataFrame()
    some = draw(split, most, options.seed)
    return compare_with_control(model, some, ranges, options.levels, options.seed, shuffles)


def _groups(
    model: LoadedModel,
    splits: Mapping[str, Split],
    ranges: Mapping[str, Ranges],
    options: InterventionOptions,
    keep: Keep,
) -> pd.DataFrame:
    """Sweep what the user named, all of a group at once."""

    def one(sites: tuple[str, ...], name: str, kind: str) -> pd.DataFrame:
        return sweep_group(model, splits[name], ranges, sites, kind, options.levels).assign(split=name)

    makes = (
        (f"{kind} of {sites} on {name}", partial(one, sites, name, kind))
        for sites in options.groups
        for name in splits
        for kind in options.interventions
    )
    found = keep.each(makes, pd.DataFrame)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _is_costly(model: LoadedModel) -> bool:
    """Whether every level is expensive: the network has convolutions, or runs a time step at a time."""
    return any(layer.kind.startswith("conv") or layer.is_stepwise for layer in model.every_layer)


def draw(split: Split, most: int | None, seed: int) -> Split:
    """Give a split, or random inputs of it in their order where there are more than `most`."""
    if most is None or len(split) <= most:
        return split
    return split.take(np.sort(np.random.default_rng(seed).choice(len(split), most, replace=False)))


def untouched(ranges: Mapping[str, Ranges]) -> dict[str, str]:
    """List the nodes that some interventions leave as they are, with the reason.

    Parameters
    ----------
    ranges
        Output ranges of the nodes of each layer, by its name.

    Returns
    -------
    reasons
        Address of each such node, ``layer:node``, -> reason.

    Examples
    --------
    >>> untouched({"fc1": Ranges(low=np.array([0.0, 0.0]), high=np.array([0.0, 2.0]))})
    {'fc1:0': "largest output is not above 0, so the offset's scale is undefined"}
    """
    reasons = {}
    for layer, found in ranges.items():
        for node in np.flatnonzero((found.high <= 0) | ~found.finite):
            reasons[f"{layer}:{node}"] = (
                "largest output is not above 0, so the offset's scale is undefined"
                if found.finite[node]
                else "output range is not finite, so levels are undefined"
            )
    return reasons

"""Sweeps over the layers of a network, as one tidy table with intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from interp.interventions.control import compare_with_control
from interp.interventions.counting import Tally, tally
from interp.interventions.curves import clamp_curves, node_levels
from interp.interventions.edits import Ranges, ablate, find_intervention, on_nodes
from interp.interventions.levels import PUBLISHED, levels
from interp.statistics import benjamini_hochberg, mcnemar, paired_difference, wilson_interval
from interp.types import Array, Dataset, Effects, LoadedModel, NodeLayer, Split


@dataclass(frozen=True)
class InterventionOptions:
    """What is swept.

    Attributes
    ----------
    levels
        Levels of each intervention.
    ablation
        Silence single nodes too, with 0 and with their mean output, on the training split.
    convolution_samples
        Inputs at most of each split where the network has convolutions, drawn at random.
    interventions
        Names of `INTERVENTIONS`, or ``package.module:name``.
    seed
        Of every draw.
    curve_levels
        Levels of each node's clamp curves; 0 leaves them out.
    curve_samples
        Training inputs at most that these curves are measured on, a quarter of it with convolutions.
    control_samples
        Training inputs at most for the comparison with shuffled weights, a quarter of it with
        convolutions; 0 leaves it out.
    """

    levels: int = 60
    ablation: bool = True
    convolution_samples: int = 4000
    interventions: tuple[str, ...] = tuple(PUBLISHED)
    seed: int = 0
    curve_levels: int = 21
    curve_samples: int = 2000
    control_samples: int = 4000


def intervene(
    model: LoadedModel,
    data: Dataset,
    ranges: Mapping[str, Ranges],
    means: Mapping[str, Array],
    options: InterventionOptions = InterventionOptions(),
) -> Effects:
    """Sweep every layer over every split, and silence every node.

    Parameters
    ----------
    ranges
        Layer name -> output ranges over the training split.
    means
        Layer name -> (N,) mean outputs over the training split.
    options
        What is swept.
    """
    most = options.convolution_samples if _convolves(model) else None
    splits = {name: draw(split, most, options.seed) for name, split in data.splits.items()}
    tables, baseline = [], {}
    for layer in model.layers:
        if layer.name not in ranges:
            continue
        for name, split in splits.items():
            keys = _sweep_keys(options)
            known = replace(ranges[layer.name], mean=means.get(layer.name))
            edits = [find_intervention(kind)(level, known) for kind, level, _ in keys]
            if options.ablation and name == "train":
                keys += [(f"{how}-ablation", np.nan, n) for how in ("zero", "mean") for n in range(layer.nodes)]
                values = (np.zeros(layer.nodes), means[layer.name])
                edits += [ablate(n, float(value[n])) for value in values for n in range(layer.nodes)]
            found = tally(model, layer, edits, split, f"{layer.name} on {name}")
            baseline[name] = found.baseline / found.samples
            tables.append(effect_rows(keys, found, layer.name, name))
    table = pd.concat(tables, ignore_index=True)
    curves = _curves(model, data.train, ranges, options)
    control = _control(model, data.train, ranges, options)
    return Effects(_corrected(table), baseline, untouched(ranges), curves, node_levels(curves), control)


def _curves(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], options: InterventionOptions
) -> pd.DataFrame:
    """Clamp single nodes of every layer on some training inputs."""
    some = draw(split, options.curve_samples // (4 if _convolves(model) else 1), options.seed)
    layers = [layer for layer in model.layers if layer.name in ranges and options.curve_levels]
    found = [clamp_curves(model, layer, some, ranges[layer.name], options.curve_levels) for layer in layers]
    empty = pd.DataFrame(columns=["layer", "node", "intervention", "level", "samples", "accuracy", "loss"], dtype=float)
    return pd.concat(found, ignore_index=True) if found else empty


def _control(
    model: LoadedModel, split: Split, ranges: Mapping[str, Ranges], options: InterventionOptions
) -> pd.DataFrame:
    """Hold the network beside its shuffled copy."""
    most = options.control_samples // (4 if _convolves(model) else 1)
    if not most:
        return pd.DataFrame()
    return compare_with_control(model, draw(split, most, options.seed), ranges, options.levels, options.seed)


def _sweep_keys(options: InterventionOptions) -> list[tuple[str, float, int]]:
    return [(kind, float(level), -1) for kind in options.interventions for level in levels(kind, options.levels)]


def _convolves(model: LoadedModel) -> bool:
    """Whether every level is expensive."""
    return any(layer.kind.startswith("conv") for layer in model.layers)


def draw(split: Split, most: int | None, seed: int) -> Split:
    """Give a split, or random inputs of it in their order where there are more than `most`."""
    if most is None or len(split) <= most:
        return split
    return split.take(np.sort(np.random.default_rng(seed).choice(len(split), most, replace=False)))


def sweep_nodes(
    model: LoadedModel,
    layer: NodeLayer,
    split: Split,
    ranges: Ranges,
    intervention: str,
    groups: Sequence[Sequence[int]],
    count: int = 20,
) -> pd.DataFrame:
    """Sweep single nodes, or groups of nodes changed together; the table is that of `Effects`.

    Parameters
    ----------
    ranges
        Of the whole layer; ``mean`` too for that intervention.
    intervention
        A name of `INTERVENTIONS`, or ``package.module:name``.
    groups
        Nodes to change together, such as ``[[0], [1], [4, 5, 6]]``.
    count
        Levels.

    Returns
    -------
    DataFrame
        ``node`` is the group's first node, ``group`` its position in `groups`; q-values are over the whole table.
    """
    act = find_intervention(intervention)
    wanted = [(float(level), i) for i in range(len(groups)) for level in levels(intervention, count)]
    edits = [on_nodes(act, level, ranges, groups[i]) for level, i in wanted]
    keys = [(intervention, level, groups[i][0]) for level, i in wanted]
    table = effect_rows(keys, tally(model, layer, edits, split), layer.name, "given")
    return _corrected(table.assign(group=[i for _, i in wanted]))


def untouched(ranges: Mapping[str, Ranges]) -> dict[str, str]:
    """List the nodes that some interventions leave as they are, with the reason."""
    reasons = {}
    for layer, found in ranges.items():
        for node in np.flatnonzero((found.high <= 0) | ~found.finite):
            reasons[f"{layer}:{node}"] = (
                "largest output is not above 0, so the offset's scale is undefined"
                if found.finite[node]
                else "output range is not finite, so levels are undefined"
            )
    return reasons


def effect_rows(keys: Sequence[tuple[str, float, int]], found: Tally, layer: str, split: str) -> pd.DataFrame:
    """Lay counts out as rows of `Effects.table`; q-values are left to be corrected."""
    low, high = wilson_interval(found.hits, found.samples)
    difference, difference_low, difference_high = paired_difference(found.gained, found.lost, found.samples)
    return pd.DataFrame(
        {
            "layer": layer,
            "node": [node for _, _, node in keys],
            "intervention": [kind for kind, _, _ in keys],
            "level": [level for _, level, _ in keys],
            "split": split,
            "samples": found.samples,
            "accuracy": found.hits / found.samples,
            "low": low,
            "high": high,
            "loss": found.loss,
            "difference": difference,
            "difference_low": difference_low,
            "difference_high": difference_high,
            "p_value": mcnemar(found.gained, found.lost),
            "q_value": np.nan,
        }
    )


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    groups = table.groupby(["layer", "intervention", "split"], sort=False)["p_value"]
    return table.assign(q_value=groups.transform(lambda p: benjamini_hochberg(p.to_numpy())))

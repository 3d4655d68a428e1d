"""Sweeps over the layers of a network, as one tidy table with intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from interp.interventions.counting import Tally, tally
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
        Of that draw.
    """

    levels: int = 60
    ablation: bool = True
    convolution_samples: int = 4000
    interventions: tuple[str, ...] = tuple(PUBLISHED)
    seed: int = 0


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
    splits = {name: _subset(model, split, options) for name, split in data.splits.items()}
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
    return Effects(_corrected(table), baseline, untouched(ranges))


def _sweep_keys(options: InterventionOptions) -> list[tuple[str, float, int]]:
    return [(kind, float(level), -1) for kind in options.interventions for level in levels(kind, options.levels)]


def _subset(model: LoadedModel, split: Split, options: InterventionOptions) -> Split:
    """Give a split, or random inputs of it where convolutions make every level expensive."""
    convolves = any(layer.kind.startswith("conv") for layer in model.layers)
    if not convolves or len(split) <= options.convolution_samples:
        return split
    rows = np.random.default_rng(options.seed).choice(len(split), options.convolution_samples, replace=False)
    rows.sort()
    return Split(split.inputs[rows], None if split.labels is None else split.labels[rows])


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

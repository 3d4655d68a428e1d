"""One line a layer for the terminal, for whatever a stage found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from interp.checkpoints.inspection import widths
from interp.tasks.tasks import TASKS
from interp.types import (
    Attribution,
    Boundaries,
    ClusterMatch,
    Effects,
    GaussianFit,
    Limit,
    LoadedModel,
    Prototypes,
    RunEffects,
)


def summary(results: object) -> Iterator[str]:
    """Yield a line for each layer of a stage's results; nothing for a stage that only writes a file."""
    if isinstance(results, Effects):
        yield from _effects(results)
    elif isinstance(results, RunEffects):
        yield from _runs(results)
    elif isinstance(results, Mapping):
        for layer, found in results.items():
            yield f"{layer}: {_line(found)}"


def limited(limits: Iterable[Limit]) -> Iterator[str]:
    """Yield a line for everything of which not all was looked at."""
    for limit in limits:
        yield f"only {limit.looked_at:,} of {limit.of:,} {limit.what}: {limit.rule} ({limit.lift})"


def _line(found: object) -> str:
    if isinstance(found, GaussianFit):
        used = np.bincount(found.components, minlength=found.weight.shape[1] + 1)[1:]
        return f"{len(found.mean)} nodes on {found.count:,} rows; nodes with 1, 2, ... components: {used.tolist()}"
    if isinstance(found, Boundaries):
        at = int(np.abs(found.epsilons - found.thresholds.epsilon).argmin())
        counts = ", ".join(f"{count} {kind}" for kind, count in found.counts.items())
        null = found.null_share.get("random point")
        return counts + ("" if null is None else f"; share {found.share[at]:.2f}, by chance {null[at]:.2f}")
    if isinstance(found, Prototypes):
        return f"{len(found.nodes)} nodes, {found.input_mean.size} inputs; {', '.join(found.layer_input)}"
    if isinstance(found, Attribution):
        return f"rank correlation {found.rank_correlation:.2f} ({found.low:.2f} to {found.high:.2f})"
    if isinstance(found, tuple) and all(isinstance(part, ClusterMatch) for part in found):
        return f"k-means with {', '.join(str(part.k) for part in found)} centroids on {found[0].rows:,} rows"
    return type(found).__name__


def _effects(found: Effects) -> Iterator[str]:
    yield from _sweeps(found.table[found.table["node"] < 0], "layer")
    if not found.groups.empty:
        yield from _sweeps(found.groups, "group")


def _sweeps(table: pd.DataFrame, site: str) -> Iterator[str]:
    for (name, kind, split), part in table.groupby([site, "intervention", "split"], sort=False):
        worst = part.loc[part["accuracy"].idxmin()]
        least = f"least score {worst['accuracy']:.4f} at {worst['level']:g}"
        yield f"{name}, {kind}, {split}: {len(part)} levels, {least}"


def _runs(found: RunEffects) -> Iterator[str]:
    for (layer, kind, split), part in found.table.groupby(["layer", "intervention", "split"], sort=False):
        worst = part.loc[part["difference"].idxmin()]
        yield (
            f"{layer}, {kind}, {split}: {worst['runs']} runs, most harmful level {worst['level']:g}:"
            f" {worst['difference']:+.2%} ({worst['difference_low']:+.2%} to {worst['difference_high']:+.2%}),"
            f" d = {worst['effect_size']:.2f}, q = {worst['q_value']:.2g}"
        )


def one_line(model: LoadedModel) -> str:
    """Say how a file was read: architecture, activation, scaling, output and accuracy, guesses marked as such."""
    chain = widths(model)
    facts = ["-".join(map(str, chain)) if chain else f"architecture {model.inferred['architecture'].value}"]
    for fact in ("activation", "input_scaling", "output"):
        said = model.inferred[fact]
        mark = "" if said.confidence == "certain" else f" ({said.confidence})"
        facts.append(f"{fact.replace('_', ' ')} {said.value}{mark}")
    name = TASKS[model.task]
    facts += [f"{split} {name.words} {name.shown(value)}" for split, value in model.scores.items()]
    return ", ".join(facts)


def describe(found: Mapping[str, Any]) -> str:
    """Lay an inspection out for the terminal: the layers, then each inferred fact with its evidence."""
    lines = [f"{found['path']}  ({found['format']})"]
    lines += [f"  {la['name']}: {la['kind']}, {la['nodes']} nodes, {la['activation']}" for la in found["layers"]]
    name = TASKS[found["task"]]
    scores = {split: value for split, value in found["score"].items() if split != "name"}
    lines += [f"  {name.words} on {split}: {name.shown(value)}" for split, value in scores.items()]
    for fact, said in found["inferred"].items():
        lines += [f"  {fact}: {said['value']}  [{said['confidence']}]", f"      {said['evidence']}"]
    lines += [f"  not covered: {name}: {why}" for name, why in found["skipped"].items()]
    return "\n".join(lines)

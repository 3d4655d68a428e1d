"""What a network loses when its nodes' values are scaled, clipped, shifted or silenced.

Scale, clip and offset act on z before the activation as y = min(s z + t, clip), with levels in fractions
of each node's own output range (use-DM, arXiv 2411.17932). What comes before a layer is run once for a
block of rows, what follows once for every level.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from interp.chain import run, split_at
from interp.errors import DataError
from interp.hooks import edit
from interp.inputs import BLOCK, as_tensor, device_of
from interp.scoring import losses, predict
from interp.statistics import benjamini_hochberg, mcnemar, paired_difference, wilson_interval
from interp.types import Array, Dataset, Effects, LoadedModel, NodeLayer, Split

Change = Callable[[Tensor], Tensor]
Prepared = Callable[[Tensor], Callable[["Edit"], Tensor]]


@dataclass(frozen=True)
class Ranges:
    """Least and largest activation output of each node over the training split, (N,) each."""

    low: Array
    high: Array


@dataclass(frozen=True)
class Edit:
    """One change to a layer: to z, or to the activation's output; None where a side is left alone."""

    before: Change | None = None
    after: Change | None = None


# --------------------------------------------------------------------------- what can be done


def scale(level: float, ranges: Ranges) -> Edit:
    """Multiply z by `level`; 1 changes nothing."""
    return Edit() if level == 1 else Edit(before=lambda z: z * level)


def clip(level: float, ranges: Ranges) -> Edit:
    """Cut z off at low + level * (high - low) of the node's own output; inf changes nothing."""
    if not np.isfinite(level):
        return Edit()
    known = np.isfinite(ranges.high - ranges.low)
    top = _tensor(np.where(known, ranges.low + level * (ranges.high - ranges.low), np.inf))
    return Edit(before=lambda z: torch.minimum(z, _like(top, z)))


def offset(level: float, ranges: Ranges) -> Edit:
    """Shift z by t = level * (high - low) and scale by s = (high - t) / high, so that the largest output stays.

    A node whose largest output is not above 0 has no s; it is left as it is (`untouched_by_offset`).
    Zero changes nothing. The paper's printed s = (1 - p) r is a typo; its released figures use this form.
    """
    if level == 0:
        return Edit()
    moved = (ranges.high > 0) & np.isfinite(ranges.high - ranges.low)
    shift = np.where(moved, level * (ranges.high - ranges.low), 0.0)
    factor = _tensor(np.where(moved, (ranges.high - shift) / np.where(moved, ranges.high, 1), 1.0))
    term = _tensor(shift)
    return Edit(before=lambda z: z * _like(factor, z) + _like(term, z))


INTERVENTIONS: dict[str, Callable[[float, Ranges], Edit]] = {"scale": scale, "clip": clip, "offset": offset}
"""Name -> (level, ranges) -> Edit of a whole layer. A level that changes nothing is in `NO_OPS`."""

NO_OPS = {"scale": 1.0, "clip": float("inf"), "offset": 0.0}

PUBLISHED = {
    "scale": (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0),
    "clip": (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0),
    "offset": (
        -2.0, -1.0, -0.75, -0.5, -0.25, -0.1, -0.05, -0.03, -0.02, -0.01, 0.0,
        0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0,
    ),
}  # fmt: skip
"""Levels of the published tables (use-DM)."""

BETWEEN = {
    "scale": np.geomspace(0.01, 10, 61),
    "clip": np.linspace(0.01, 1.2, 61),
    "offset": np.concatenate([-np.geomspace(2, 0.005, 26), np.geomspace(0.005, 1, 22)]),
}


def levels(intervention: str, count: int = 60) -> Array:
    """Give `count` levels in order: the no-op, the published ones, and others spread between.

    Examples
    --------
    >>> len(levels("clip")), levels("clip")[-1]
    (60, inf)
    """
    fixed = sorted({*PUBLISHED[intervention], NO_OPS[intervention]})
    spread = [x for x in np.round(BETWEEN[intervention], 4) if min(abs(x - y) for y in fixed) > 1e-6]
    take = np.linspace(0, len(spread) - 1, max(0, count - len(fixed))).round().astype(int)
    return np.array(sorted({*fixed, *(spread[i] for i in np.unique(take))}))


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))


def _like(values: Tensor, z: Tensor) -> Tensor:
    """Shape one value a node as z is: nodes last (B, N), or second (B, N, H, W)."""
    values = values.to(z.device)
    return values.view(-1, *(1 for _ in z.shape[2:])) if z.dim() > 2 else values


def ablate(node: int, value: float) -> Edit:
    """Set one node's activation output to `value` on every input."""

    def change(outputs: Tensor) -> Tensor:
        outputs = outputs.clone()
        outputs[:, node] = value
        return outputs

    return Edit(after=change)


KEEPING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Dropout, nn.Identity)
"""Steps that may stand between z and its activation."""


# --------------------------------------------------------------------------- one split, many edits


@dataclass(frozen=True)
class Tally:
    """Counts over one split: for each edit (E,), and the unperturbed run."""

    samples: int
    baseline: int
    hits: Array
    gained: Array
    lost: Array
    loss: Array
    baseline_loss: float


def tally(model: LoadedModel, layer: NodeLayer, edits: Sequence[Edit], split: Split, note: str = "") -> Tally:
    """Run every edit of one layer over a split and count what changes.

    Without labels the unperturbed predictions take their place, and losses are NaN.
    """
    if not len(split):
        raise DataError(layer.name, found="no samples", expected="one or more", do="check the data")
    prepared, workers = _continuation(model, layer)
    blocks = range(0, len(split), BLOCK)

    def count(start: int) -> Array:
        rows = slice(start, min(start + BLOCK, len(split)))
        return _count_block(model, prepared, edits, split, rows)

    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        counted = tqdm(pool.map(count, blocks), total=len(blocks), desc=note or layer.name, unit="blocks", disable=None)
        hits, gained, loss = np.sum(list(counted), axis=0)
    hits, gained, samples = hits.astype(np.int64), gained.astype(np.int64), len(split)
    if gained[0]:
        raise DataError(
            layer.name,
            found=f"{gained[0]:,} of {samples:,} samples whose output is not a number",
            expected="finite outputs of the unperturbed network",
            do="check the weights, the scaling and these samples",
        )
    lost = gained[1:] + hits[0] - hits[1:]
    return Tally(samples, int(hits[0]), hits[1:], gained[1:], lost, loss[1:] / samples, loss[0] / samples)


@torch.no_grad()
def _count_block(model: LoadedModel, prepared: Prepared, edits: Sequence[Edit], split: Split, rows: slice) -> Array:
    """Hits, gains and summed losses (3, 1 + E) of one block of rows.

    The first column is the unperturbed run's, with the number of rows without a prediction in place of gains.
    """
    x = as_tensor(split.inputs[rows], model.scaling, model.input_shape).to(device_of(model.module))
    rest = prepared(x)
    outputs = rest(Edit())
    guess = _classes(outputs, model)
    truth = guess if split.labels is None else torch.from_numpy(split.labels[rows]).to(guess.device)
    right = guess == truth
    found = [(int(right.sum()), int((guess < 0).sum()), _loss(outputs, truth, model, split))]
    for change in edits:
        outputs = rest(change)
        now = _classes(outputs, model) == truth
        found.append((int(now.sum()), int((now & ~right).sum()), _loss(outputs, truth, model, split)))
    return np.array(found, float).T


def _classes(outputs: Tensor, model: LoadedModel) -> Tensor:
    """Give the predicted class of each row, (S,); -1 where an output is not a number, so that it counts as wrong."""
    guess = predict(outputs, model.output)
    return guess.masked_fill(outputs.isnan().any(1), -1) if bool(outputs.sum().isnan()) else guess


def _loss(outputs: Tensor, truth: Tensor, model: LoadedModel, split: Split) -> float:
    return (
        float("nan") if split.labels is None else float(losses(outputs, truth, model.output).sum(dtype=torch.float64))
    )


def _continuation(model: LoadedModel, layer: NodeLayer) -> tuple[Prepared, int]:
    """Give inputs -> edit -> outputs, and how many threads may use it at once.

    What comes before the layer runs once where the network is a chain. Elsewhere hooks edit the whole
    run; they belong to the module, so one thread at a time.
    """
    parts = split_at(model.module, layer.tap)
    if parts is None:
        return (lambda x: lambda change: _hooked(model, layer, x, change)), 1
    before, rest = parts
    kept = next((i for i, step in enumerate(rest) if not isinstance(step, KEEPING)), len(rest))
    active = [] if layer.activation == "identity" else rest[: kept + 1]

    def prepared(x: Tensor) -> Callable[[Edit], Tensor]:
        z = run(before, x)
        return lambda change: _chained(z, active, rest[len(active) :], change)

    return prepared, os.cpu_count() or 1


def _chained(z: Tensor, active: Sequence[nn.Module], rest: Sequence[nn.Module], change: Edit) -> Tensor:
    outputs = run(active, z.clone() if change.before is None else change.before(z))  # an activation may be in place
    return run(rest, outputs if change.after is None else change.after(outputs))


def _hooked(model: LoadedModel, layer: NodeLayer, x: Tensor, change: Edit) -> Tensor:
    with edit(model.module, layer, change.before, change.after):
        outputs: Tensor = model.module(x)
    return outputs


# --------------------------------------------------------------------------- sweeps


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
        Names of `INTERVENTIONS`.
    seed
        Of that draw.
    """

    levels: int = 60
    ablation: bool = True
    convolution_samples: int = 4000
    interventions: tuple[str, ...] = tuple(INTERVENTIONS)
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
            edits = [INTERVENTIONS[kind](level, ranges[layer.name]) for kind, level, _ in keys]
            if options.ablation and name == "train":
                keys += [(f"{how}-ablation", np.nan, n) for how in ("zero", "mean") for n in range(layer.nodes)]
                values = (np.zeros(layer.nodes), means[layer.name])
                edits += [ablate(n, float(value[n])) for value in values for n in range(layer.nodes)]
            found = tally(model, layer, edits, split, f"{layer.name} on {name}")
            baseline[name] = found.baseline / found.samples
            tables.append(effect_rows(keys, found, layer.name, name))
    table = pd.concat(tables, ignore_index=True)
    return Effects(_corrected(table), baseline, untouched_by_offset(ranges))


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


def untouched_by_offset(ranges: Mapping[str, Ranges]) -> dict[str, str]:
    """List the nodes that an offset leaves as they are, with the reason."""
    reasons = {}
    for layer, found in ranges.items():
        known = np.isfinite(found.high - found.low)
        for node in np.flatnonzero((found.high <= 0) | ~known):
            reasons[f"{layer}:{node}"] = (
                "largest output is not above 0, so the offset's scale is undefined"
                if known[node]
                else "output range is not finite, so clip and offset are undefined"
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

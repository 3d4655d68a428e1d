"""The widest scaling and the widest shift of its hidden layer that a network tolerates, by two yardsticks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from interp.checkpoints import load_model
from interp.interventions import INTERVENTIONS, NO_OPS, output_ranges, tally
from interp.interventions.readouts.tolerance import Tolerance, connected
from interp.types import Array, Dataset, Split

IMAGES = 10_000  # of the training split; a point of accuracy is a hundred of them
FEWEST = 0.5  # accuracy from which losing a point of it means something
LEVELS: Mapping[str, Array] = {
    "scale": np.geomspace(0.005, 1, 60),
    "offset": np.concatenate([-np.geomspace(0.0005, 1, 50)[::-1], [0.0], np.geomspace(0.0005, 1, 50)]),
}
"""Finer near the no-op than the published levels: untrained networks bear shifts of a thousandth only."""


def tolerated(path: Path, data: Dataset) -> dict[str, float]:
    """Measure the widest scaling and shifting that cost a network less than one point.

    Two yardsticks: *accuracy*, which an untrained network cannot lose, and *agreement* with the network's own
    unperturbed predictions, which any can.

    Parameters
    ----------
    path
        Path of a zoo checkpoint.
    data
        Data set that it was trained on; the first `IMAGES` training images are used.

    Returns
    -------
    dict
        ``accuracy`` in percent; for each yardstick ``weakening, Y`` (1 - the least scale), ``shift, Y`` (half the
        tolerated range of offsets), both in percent of a node's range, and ``ratio, Y`` of the two. By accuracy NaN
        where accuracy is below `FEWEST`.
    """
    model, _ = load_model(path, data)
    layer, train = model.layers[0], data.train
    seen = Split(train.inputs[:IMAGES], None if train.labels is None else train.labels[:IMAGES])
    ranges = output_ranges(model, layer, train.inputs)
    keys = [(kind, float(level)) for kind, levels in LEVELS.items() for level in levels]
    edits = [INTERVENTIONS[kind](level, ranges) for kind, level in keys]
    found: dict[str, float] = {}
    for yardstick, split in (("accuracy", seen), ("agreement", Split(seen.inputs, None))):
        counts = tally(model, layer, edits, split)
        share = np.asarray(counts.hits / counts.samples, np.float64)
        base = float(share[keys.index(("scale", NO_OPS["scale"]))])
        if yardstick == "accuracy":
            found["accuracy"] = 100 * base
        found |= _summary(yardstick, _ends(base - share) if base >= FEWEST else None)
    return found


def _ends(cost: Array) -> Tolerance:
    edge = len(LEVELS["scale"])
    return Tolerance(
        connected(LEVELS["scale"], cost[:edge], NO_OPS["scale"]),
        connected(LEVELS["offset"], cost[edge:], NO_OPS["offset"]),
    )


def _summary(yardstick: str, found: Tolerance | None) -> dict[str, float]:
    if found is None:
        return dict.fromkeys((f"{name}, {yardstick}" for name in ("weakening", "shift", "ratio")), float("nan"))
    return {
        f"weakening, {yardstick}": 100 * (1 - found.scale[0]),
        f"shift, {yardstick}": 100 * (found.offset[1] - found.offset[0]) / 2,
        f"ratio, {yardstick}": found.ratio,
    }

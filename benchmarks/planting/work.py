"""One planted network: made, read, and put down as a line of plain values."""

from __future__ import annotations

import time
import warnings

import numpy as np
import torch

from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.profile import LayerReading, ProfileOptions, read_chain
from planting.plan import PLANTED, Item
from zoo.planted.families import Wish, plant
from zoo.planted.planted import Planted, ends

SAMPLES, IMAGES = 400, 200
"""Samples that a layer is read on, from the test part; fewer where every sample has many positions."""
AGAIN = 1_000_000
"""What is added to the seed of a network that came out too weak."""


def work(item: Item, options: ProfileOptions | None = None, wish: Wish = Wish()) -> dict:
    """Make a network and read it."""
    torch.set_num_threads(1)
    options = options or ProfileOptions(NoiseOptions(ends_only=True))
    begin = time.process_time()
    made, weak = decisive(item, wish)
    between = time.process_time()
    found = read(made, options)
    return {
        "key": item.key,
        "family": item.family,
        "seed": made.seed,
        "weak": weak,
        "setup": dict(made.setup),
        "seconds": [round(between - begin, 3), round(time.process_time() - between, 3)],
        "layers": {name: line(made, name, layer) for name, layer in found.items()},
    }


def decisive(item: Item, wish: Wish = Wish(), tries: int = 20) -> tuple[Planted, int]:
    """Make a network; where its truth is to be known, one that decides better than half way from chance to perfect.

    What a network reads that decides by chance is nothing, whatever was planted. The statistic has no part in this.

    Returns
    -------
    made, weak
        The network, and how many were thrown away for it.
    """
    for weak in range(tries):
        made = plant(item.family, item.seed + AGAIN * weak, wish)
        if item.family not in PLANTED or known(made):
            return made, weak
    raise SystemExit(f"error: {item.key}: {tries} networks were too weak, expected one that decides; change the family")


def known(made: Planted) -> bool:
    """Whether the truth of some layer is known, and the network decides well enough to read anything of it."""
    enough = float(made.setup["accuracy"]) >= 0.5 * (1 + 1 / made.data.classes)
    return enough and bool({"distances", "intensities", "both"} & set(made.truth.values()))


def read(made: Planted, options: ProfileOptions, samples: int = SAMPLES) -> dict[str, LayerReading]:
    """Read a network on its first test samples."""
    inputs = made.data.test[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")  # of vmap, for a rare operation
        return read_chain(
            made.network,
            ends(made.network),
            inputs[: samples if inputs.dim() == 2 else min(samples, IMAGES)],
            made.data.train[0],
            options,
        )


def line(made: Planted, name: str, layer: LayerReading) -> dict:
    """Put a layer's reading down in plain values."""
    values = {kind: found.curve.balance for kind, found in layer.copies.items()}
    return {
        "truth": made.truth[name],
        "leaning": layer.leaning,
        "balance": rounded(layer.balance),
        "corrected": rounded(layer.corrected),
        "copies": {
            kind: [rounded(x) for x in np.nanquantile(found, (0, 0.025, 0.5, 0.975, 1))]
            if not np.isnan(found).all()
            else []
            for kind, found in values.items()
        },
    }


def rounded(value: float) -> float | None:
    """Round to four digits after the point; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), 4)

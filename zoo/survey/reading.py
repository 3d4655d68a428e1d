"""What of every hidden layer of a network is read, as plain rows of a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from interp.types import Array
from interp.verdict.reading.copies import fresh_copies, shuffled_copies
from interp.verdict.reading.levels import Levels
from interp.verdict.reading.measure import measure
from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.profile import LayerReading, ProfileOptions, read_chain
from zoo import checkpoints
from zoo.planted.planted import ends

SAMPLES = 400
"""Number of test samples that a network is read on."""
LEVEL_COPIES = 19
"""Number of copies of either kind whose levels are counted, which takes longer than the noise."""


def read_network(path: Path, inputs: Tensor) -> list[dict[str, Any]]:
    """Read a finished network, a row for every hidden layer.

    Parameters
    ----------
    path
        Checkpoint of a perceptron of the zoo.
    inputs
        Scaled test inputs, (S, D), which chose nothing.
    """
    content = checkpoints.load(path)
    network = checkpoints.module_of(content).requires_grad_(False)
    facts = {
        "data": Path(content["data"]).stem,
        "activation": content["activation"],
        "depth": content["arguments"]["depth"],
        "seed": content["seed"],
        "epoch": content["epoch"],
        "accuracy": content["metrics"]["test_accuracy"],
    }
    return [facts | row for row in rows_of(network, inputs[:SAMPLES])]


@torch.no_grad()
def rows_of(network: nn.Sequential, inputs: Tensor) -> list[dict[str, Any]]:
    """Read every hidden layer of a chain: the balance beside its copies, two levels beside theirs, and rarity."""
    places = ends(network)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")  # of vmap, for a rare operation
        found = read_chain(network, places, inputs, inputs, ProfileOptions(NoiseOptions()))
        levels = two_levels(network, places, inputs)
    return [
        {"layer": number, **balance_row(found[name]), **levels[name], **state_row(network[:end](inputs))}
        for number, (name, end) in enumerate(places.items(), 1)
    ]


def balance_row(layer: LayerReading) -> dict[str, Any]:
    """Put down a layer's balance with the central 95 % of each kind of copies."""
    row: dict[str, Any] = {"leaning": layer.leaning, "balance": layer.balance, "p_value": layer.corrected}
    for kind, measured in layer.copies.items():
        low, middle, high = np.nanquantile(measured.curve.balance, (0.025, 0.5, 0.975))
        row |= {f"{kind}_low": low, f"{kind}_median": middle, f"{kind}_high": high}
    return row


def two_levels(network: nn.Sequential, places: Mapping[str, int], inputs: Tensor) -> dict[str, dict[str, float]]:
    """Give the predictions kept by each layer's best single cut, in the network and on average in its copies."""
    kinds = {
        "given": [network],
        "shuffled": list(shuffled_copies(network, range(LEVEL_COPIES))),
        "fresh": list(fresh_copies(network, range(LEVEL_COPIES), inputs)),
    }
    found: dict[str, dict[str, float]] = {name: {} for name in places}
    for kind, networks in kinds.items():
        for name, measured in measure(networks, places, inputs, NoiseOptions(ends_only=True), levels=True).items():
            levels = measured.levels
            assert isinstance(levels, Levels), "levels were asked for"
            found[name] |= {f"kept_{kind}": float(levels.kept.mean())}
            if kind == "given":
                found[name] |= {"cut": float(levels.best_cut[0]), "levels_needed": float(levels.needed()[0])}
    return found


def state_row(outputs: Tensor) -> dict[str, float]:
    """Describe which state of a layer's nodes is rare: mean skewness, and mean share of outputs above halfway.

    Parameters
    ----------
    outputs
        Outputs of the layer, (S, N).

    Examples
    --------
    >>> state_row(torch.tensor([[0.0], [0.0], [0.0], [1.0]]))["upper_share"]
    0.25
    """
    values: Array = outputs.numpy().astype(np.float64)
    live = values[:, np.ptp(values, axis=0) > 0]
    if not live.size:
        return {"skewness": float("nan"), "upper_share": float("nan")}
    halfway = (live.min(0) + live.max(0)) / 2
    return {"skewness": float(stats.skew(live, axis=0).mean()), "upper_share": float((live > halfway).mean())}

"""What of every hidden layer of a network is read, as plain rows of a table."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from interp.types import Array
from interp.verdict.reading.profile import LayerReading, ProfileOptions, read_chain
from zoo import checkpoints
from zoo.planted.planted import ends

SAMPLES = 400
"""Number of test samples that a network is read on."""


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
    """Read every hidden layer of a chain: the balance beside its copies, two levels beside theirs, and rarity.

    Parameters
    ----------
    network
        Network with layers named as `zoo.architectures.deep` names them, in eval mode.
    inputs
        Samples that chose nothing, (S, D).

    Returns
    -------
    list of dict
        A row for every hidden layer, from the first.
    """
    places = ends(network)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")  # of vmap, for a rare operation
        found = read_chain(network, places, inputs, inputs, ProfileOptions(levels=True))
    return [
        {
            "layer": number,
            **balance_row(found[name]),
            **levels_row(found[name]),
            **state_row(network[:end](inputs)),
        }
        for number, (name, end) in enumerate(places.items(), 1)
    ]


def balance_row(layer: LayerReading) -> dict[str, Any]:
    """Put down a layer's balance with the central 95 % of each kind of copies.

    Parameters
    ----------
    layer
        Reading of the layer.
    """
    row: dict[str, Any] = {"leaning": layer.leaning, "balance": layer.balance, "p_value": layer.corrected}
    for kind, measured in layer.copies.items():
        low, middle, high = np.nanquantile(measured.curve.balance, (0.025, 0.5, 0.975)).tolist()
        row |= {f"{kind}_low": low, f"{kind}_median": middle, f"{kind}_high": high}
    return row


def levels_row(layer: LayerReading) -> dict[str, float]:
    """Give the predictions kept by a layer's best single cut, in the network and on average in its copies.

    Parameters
    ----------
    layer
        Reading of the layer, with its levels counted.
    """
    levels = {"given": layer.given.levels} | {kind: measured.levels for kind, measured in layer.copies.items()}
    row = {f"kept_{kind}": float(found.kept.mean()) for kind, found in levels.items() if found is not None}
    given = levels["given"]
    if given is None:
        return row
    return row | {"cut": float(given.best_cut[0]), "levels_needed": float(given.needed()[0])}


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

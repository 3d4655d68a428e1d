"""What of every hidden layer of a network is read, as plain rows of a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp.verdict.reading.levels import Levels, count_levels
from interp.verdict.reading.measure import Measured, measure
from interp.verdict.reading.networks.copies import fresh_copies, shuffled_copies
from interp.verdict.reading.networks.cut import Cut, chain_cut
from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.profile import MOST_DRAWN, LayerReading, enough, judge_layers
from interp.verdict.reading.rule import Rule
from interp.verdict.reading.significance import copies_needed, rank_p_value
from zoo import checkpoints
from zoo.planted.planted import ends
from zoo.survey.rarity import rarity_row

SAMPLES = 400
"""Number of test samples that a network is read on."""
NOISE = NoiseOptions(ends_only=True)
LEVEL_COPIES = 39
"""Number of copies of each kind whose nodes are cut: the fewest with a one-sided p-value of 0.025."""

Fresh = dict[Any, tuple[Mapping[str, Measured], Mapping[str, Levels]]]
"""What was measured of fresh copies: those of networks of one structure on the same inputs are the same."""


def read_network(path: Path, inputs: Tensor, fresh: Fresh, shuffle: bool = True) -> list[dict[str, Any]]:
    """Read a finished network, a row for every hidden layer.

    Parameters
    ----------
    path
        Checkpoint of a perceptron of the zoo.
    inputs
        Scaled test inputs, (S, D), which chose nothing.
    fresh
        Measurements of fresh copies that are known already; new ones are added.
    shuffle
        Whether the network is read beside shuffled copies too, which are its own and take the most time.
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
    return [facts | row for row in rows_of(network, inputs[:SAMPLES], fresh, shuffle)]


def rows_of(network: nn.Sequential, inputs: Tensor, fresh: Fresh, shuffle: bool = True) -> list[dict[str, Any]]:
    """Read every hidden layer of a chain; arguments as of `rows_at`.

    Parameters
    ----------
    network
        Network with layers named as `zoo.architectures.deep` names them, in eval mode.
    """
    return rows_at(network, chain_cut(ends(network)), inputs, inputs, fresh, shuffle)


@torch.no_grad()
def rows_at(
    network: nn.Module,
    cut: Cut,
    inputs: Tensor,
    norm_inputs: Tensor,
    fresh: Fresh | None = None,
    shuffle: bool = True,
) -> list[dict[str, Any]]:
    """Read layers of a network: the balance beside its copies, two levels beside theirs, and rarity.

    Parameters
    ----------
    network
        Network, in eval mode.
    cut
        Layers to read.
    inputs
        Samples that chose nothing, (S, ...).
    norm_inputs
        Samples that the batch norms of fresh copies measure their statistics on.
    fresh
        Measurements of fresh copies that are known already; new ones are added.
    shuffle
        Whether the network is read beside shuffled copies too.

    Returns
    -------
    list of dict
        A row for every layer, in the order of `cut`.
    """
    known: Fresh = {} if fresh is None else fresh
    count = copies(len(cut.layers))
    seeds = range(round(MOST_DRAWN * count))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")  # of vmap, for a rare operation
        key = (str(network), sha256(inputs.numpy().tobytes()).digest())
        if key not in known:
            known[key] = _measured(fresh_copies, (network, seeds, norm_inputs), count, cut, inputs)
        copied = {"fresh": known[key]}
        if shuffle:
            copied = {"shuffled": _measured(shuffled_copies, (network, seeds), count, cut, inputs), **copied}
        given, levels = _measured(lambda one: iter([one]), (network,), 1, cut, inputs)
    found = judge_layers(given, {kind: curves for kind, (curves, _) in copied.items()})
    others = {kind: counted for kind, (_, counted) in copied.items()}
    return [
        {
            "layer": number,
            "copies": count,
            **balance_row(found[name]),
            **levels_row(levels[name], {kind: those[name] for kind, those in others.items()}),
            **rarity_row(network, cut, name, inputs),
        }
        for number, name in enumerate(cut.layers, 1)
    ]


def copies(layers: int) -> int:
    """Give how many copies of each kind a network is read beside: 99, and enough for the rule to call a layer.

    Examples
    --------
    >>> copies(1), copies(4)
    (99, 159)
    """
    return max(Rule().copies, copies_needed(layers, Rule().alpha))


def _measured(
    make: Any, given: Sequence[Any], count: int, cut: Cut, inputs: Tensor
) -> tuple[Mapping[str, Measured], Mapping[str, Levels]]:
    """Measure the balances of `count` networks and the levels of the first of them."""
    curves = enough(make(*given), count, lambda some, _: measure(some, cut, inputs, NOISE))
    levels: dict[str, list[Levels]] = {name: [] for name in cut.layers}
    rest = islice(make(*given), min(count, LEVEL_COPIES))
    while some := list(islice(rest, cut.most)):
        taken = cut.take(some)
        for name in cut.layers:
            following, outputs = cut.following(taken, name, inputs), taken.until(name, inputs)
            levels[name].append(count_levels(following, outputs, levels=(2,)))
    return curves, {name: joined(those) for name, those in levels.items()}


def joined(parts: Sequence[Levels]) -> Levels:
    """Put the levels of some networks and of others together."""
    first = parts[0]
    kept = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("kept_choosing", "kept_at", "kept_levels")
    )
    choosing, at, several = kept
    return Levels(first.cuts, choosing, at, first.levels, several)


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


def levels_row(given: Levels, others: Mapping[str, Levels]) -> dict[str, float]:
    """Give the predictions kept by a layer's best single cut, in the network and on average in its copies.

    Parameters
    ----------
    given
        Levels of the network.
    others
        Kind of copies -> their levels.
    """
    kept = float(given.kept[0])
    row = {"kept_given": kept, "cut": float(given.best_cut[0])}
    for kind, found in others.items():
        row |= {f"kept_{kind}": float(found.kept.mean()), f"kept_p_{kind}": rank_p_value(kept, found.kept)}
    return row

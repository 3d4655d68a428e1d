"""Planted nodes whose rare state is the uninformative one, and whether S follows what is read or what is rare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd

from interp.types import Array
from interp.verdict.reading.networks.cut import chain_cut
from zoo.planted.data.mixtures import MixtureSetup, gaussian_mixture
from zoo.planted.families import Wish, plant
from zoo.planted.planted import Planted, ends
from zoo.survey.rarity import node_balances, skewness_of
from zoo.survey.reading import SAMPLES

SIDES = {"l1-mahalanobis": "distances", "relu-pairs": "distances", "templates": "intensities"}
"""Family of planted networks -> what is read of every node of theirs."""
IMBALANCES = (1.0, 30.0)
"""How many times as common the commonest of four classes is as the rarest."""
SEEDS = range(900, 906)
SETUP = MixtureSetup(dimension=16, classes=4, separation=6.0)
WIDTH = 32
CLEAR = 0.75
"""Share of nodes on one side from which S is said to follow it."""


def planted_rarity(seeds: Sequence[int] = SEEDS) -> pd.DataFrame:
    """Measure S of single planted nodes, by which of their states is rare.

    A template of a class that makes up two thirds of the samples is high for most of them: its rare state is the low
    one, which it was not built to be read at. A distance from the middle of such a class is low for most.

    Parameters
    ----------
    seeds
        Seeds of the networks.

    Returns
    -------
    DataFrame
        A row for each family, imbalance and rare state: number of nodes, their mean S, and the share of them whose S
        lies on the side that was planted.
    """
    wanted = product(SIDES, IMBALANCES, seeds)
    rows = [row for family, imbalance, seed in wanted for row in _nodes(family, imbalance, seed)]
    groups = pd.DataFrame(rows).dropna().groupby(["planted", "family", "imbalance", "rare state"], sort=False)
    return groups.agg(nodes=("S", "size"), S=("S", "mean"), right_side=("right", "mean"))


def _nodes(family: str, imbalance: float, seed: int) -> Iterator[dict[str, Any]]:
    data = gaussian_mixture(replace(SETUP, imbalance=imbalance), seed)
    made = plant(family, seed, Wish(data=data, widths=(WIDTH,)))
    balances, skewness = measured(made)
    side = 1 if SIDES[family] == "distances" else -1
    for balance, skew in zip(balances, skewness, strict=True):
        yield {
            "planted": SIDES[family],
            "family": family,
            "imbalance": imbalance,
            "rare state": "large" if skew > 0 else "small",
            "S": balance,
            "right": float(balance * side > 0),
        }


def measured(made: Planted) -> tuple[Array, Array]:
    """Give S and skewness of each node of a planted network's first hidden layer."""
    cut = chain_cut(ends(made.network))
    inputs, layer = made.data.test[0][:SAMPLES], cut.layers[0]
    taken = cut.take([made.network])
    outputs = taken.until(layer, inputs)
    return node_balances(cut.following(taken, layer, inputs), outputs), skewness_of(outputs[0])


def planted_sentence(table: pd.DataFrame) -> str:
    """Say whether S of planted nodes follows what is read of them where another state is rare.

    Parameters
    ----------
    table
        Table of `planted_rarity`.
    """
    index = table.index.to_frame()
    against = ((index["planted"] == "distances") & (index["rare state"] == "large")) | (
        (index["planted"] == "intensities") & (index["rare state"] == "small")
    )
    those = table[against.to_numpy()]
    said = []
    for family, part in those.groupby(level="family", sort=False):
        share = (part["right_side"] * part["nodes"]).sum() / part["nodes"].sum()
        mean = (part["S"] * part["nodes"]).sum() / part["nodes"].sum()
        word = "what is read" if share > CLEAR else "what is rare" if share < 1 - CLEAR else "neither clearly"
        said.append(f"{family}: {word} (mean S {mean:+.2f}, {share:.0%} on the planted side)")
    return (
        f"Planted nodes whose rare state is not the one that is read ({int(those['nodes'].sum())}), and what their S "
        f"follows: {'; '.join(said)}."
    )

"""Tables of the survey: layers by condition, first against last hidden layers, rarity, training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

LEANINGS = ("distances", "intensities", "neither", "undecided")
CONDITION = ["source", "data", "activation", "depth", "layer"]
LEVEL = 0.05
"""Largest p-value of a test that is called clear."""
ENOUGH = 0.25
"""Least accuracy of a network that is counted, as a share of the way from chance to perfect."""


def decides(rows: pd.DataFrame, classes: int = 10) -> pd.Series:
    """Tell of every row whether its network decides well enough to read anything of it.

    Examples
    --------
    >>> decides(pd.DataFrame({"accuracy": [0.1, 0.97]})).tolist()
    [False, True]
    """
    return rows["accuracy"] >= 1 / classes + ENOUGH * (1 - 1 / classes)


def beyond_copies(rows: pd.DataFrame) -> pd.Series:
    """Give each balance less the middle of its copies, the mean of the medians of the kinds that were read."""
    return rows["balance"] - rows.reindex(columns=["shuffled_median", "fresh_median"]).mean(axis=1)


def by_condition(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the balance over seeds for every layer of every condition, with a t test against the copies' middle.

    Parameters
    ----------
    rows
        A row for every hidden layer of every network.

    Returns
    -------
    DataFrame
        Index: data, activation, depth, layer; p is that of a two-sided t test over seeds, not corrected.
    """
    groups = rows.assign(beyond=beyond_copies(rows)).groupby(CONDITION, sort=False)
    table = groups.agg(
        accuracy=("accuracy", "mean"),
        S=("balance", "mean"),
        lowest=("balance", "min"),
        highest=("balance", "max"),
        copies_low=("shuffled_low", "mean"),
        copies_high=("shuffled_high", "mean"),
    )
    table["p over seeds"] = groups["beyond"].agg(one_sample_p)
    return table.join(called(groups["leaning"]))


def by_network(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate single networks, a row a hidden layer.

    Parameters
    ----------
    rows
        A row for every hidden layer of networks that have names.
    """
    columns = {
        "activation": "activation",
        "accuracy": "accuracy",
        "balance": "S",
        "shuffled_low": "copies_low",
        "shuffled_high": "copies_high",
        "fresh_low": "fresh_low",
        "fresh_high": "fresh_high",
        "p_value": "p after Holm",
        "leaning": "leaning",
        "kept_given": "two_levels_keep",
        "kept_shuffled": "copies_keep",
        "kept_fresh": "fresh_keep",
    }
    place = rows["layer"].astype(int).astype(str) + " of " + rows["depth"].astype(int).astype(str)
    table = rows.assign(place=place).set_index(["network", "place"])[list(columns)].rename(columns=columns)
    return table.rename_axis(["network", "layer"])


def called(leanings: pd.core.groupby.SeriesGroupBy) -> pd.DataFrame:
    """Count how often a group's layers are called what."""
    return pd.DataFrame({name: leanings.agg(lambda those, name=name: int((those == name).sum())) for name in LEANINGS})


def one_sample_p(values: Sequence[float]) -> float:
    """Give the two-sided p-value of a t test of the mean against zero; NaN of fewer than two values, or of equal ones.

    Examples
    --------
    >>> one_sample_p([1.0, 1.1, 0.9]) < 0.01, one_sample_p([1.0, -1.0]) > 0.9
    (True, True)
    """
    if len(values) < 2 or not np.ptp(np.asarray(values, float)):
        return float("nan")
    return float(stats.ttest_1samp(values, 0).pvalue)


def ends_compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare the last hidden layer with the first, activation by activation, in networks of two and more.

    The unit of the tests is a condition (data and depth), the mean of its seeds: seeds of one condition are no
    independent evidence that a layer's place matters.

    Returns
    -------
    DataFrame
        A row for every activation, and one for all of them together, whose unit is a condition too.
    """
    deep = rows[rows["depth"] > 1].assign(beyond=beyond_copies(rows))
    means = deep.groupby(CONDITION, sort=False)["beyond"].mean().reset_index()
    groups = [*means.groupby("activation", sort=False), ("all", means)]
    found = {activation: _ends_of(those) for activation, those in groups}
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("activation")


def _ends_of(means: pd.DataFrame) -> dict[str, float]:
    """Test first and last layers of some conditions against the copies' middle, and against each other."""
    keys = ["source", "data", "activation", "depth"]
    first = means[means["layer"] == 1].set_index(keys)["beyond"]
    last = means[means["layer"] == means["depth"]].set_index(keys)["beyond"]
    return {
        "conditions": len(first),
        "first": first.mean(),
        "p of first": one_sample_p(first.dropna()),
        "last": last.mean(),
        "p of last": one_sample_p(last.dropna()),
        "last - first": (last - first).mean(),
        "p of difference": one_sample_p((last - first).dropna()),
    }


def place_of(rows: pd.DataFrame) -> pd.Series:
    """Name each layer's place among the hidden layers: only, first, between or last."""
    place = np.select(
        [rows["depth"] == 1, rows["layer"] == 1, rows["layer"] == rows["depth"]], ["only", "first", "last"], "between"
    )
    return pd.Series(place, rows.index)


def calls_by_place(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what layers are called, by activation and place among the hidden layers."""
    groups = rows.assign(place=place_of(rows)).groupby(["activation", "place"], sort=False)
    return called(groups["leaning"]).assign(layers=groups.size())


def rarity(rows: pd.DataFrame) -> pd.DataFrame:
    """Correlate the balance with what state of a node is rare, rank by rank (Spearman), over the layers' conditions.

    A layer whose large outputs are rare has positive skewness and few outputs above halfway between its extremes.
    """
    means = rows.assign(beyond=beyond_copies(rows)).groupby(CONDITION, sort=False).mean(numeric_only=True)
    found = {}
    for name, those in (("all", means), *means.groupby("activation", sort=False)):
        row: dict[str, float] = {"conditions": len(those)}
        for state in ("skewness", "upper_share"):
            known = those[[state, "beyond"]].dropna()
            test = stats.spearmanr(known[state], known["beyond"])
            row |= {state: float(test.statistic), f"p of {state}": float(test.pvalue)}
        found[name] = row
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("activation")


def rarity_of_nodes(rows: pd.DataFrame, along: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the correlation of skewness with S over the nodes of a layer, beside that of untrained networks.

    Parameters
    ----------
    rows
        Layers of trained networks; the unit of the test is a condition's mean.
    along
        Layers of networks along their training, from epoch 0; may be empty.

    Returns
    -------
    DataFrame
        Mean Spearman correlation by activation, the p-value of a t test over conditions, the share of layers where it
        is negative, and the mean before training.
    """
    found = {}
    untrained = along[along["epoch"] == 0] if len(along) else rows.head(0)
    for activation, those in rows.groupby("activation", sort=False):
        means = those.groupby(CONDITION, sort=False)["nodes_rho"].mean().dropna()
        before = untrained.loc[untrained["activation"] == activation, "nodes_rho"]
        found[activation] = {
            "layers": len(those),
            "correlation": means.mean(),
            "p over conditions": one_sample_p(means),
            "negative": (those["nodes_rho"].dropna() < 0).mean(),
            "before training": before.mean(),
        }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("activation")


def trained_or_not(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the predictions that two levels a node keep, in networks and in their copies.

    Returns
    -------
    DataFrame
        Mean shares, and the shares of layers that keep more than each copy of a kind, of which there are 39.
    """
    columns = {"kept_given": "trained", "kept_shuffled": "shuffled", "kept_fresh": "fresh"}
    keys = ["data", "activation"]
    table = rows.rename(columns=columns).groupby(keys, sort=False)[list(columns.values())].mean()
    for kind in ("shuffled", "fresh"):
        more = (rows[f"kept_p_{kind}"] <= LEVEL) & (rows["kept_given"] > rows[f"kept_{kind}"])
        table[f"above {kind}"] = more.groupby([rows[key] for key in keys], sort=False).mean()
    return table


def along_training(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate balance, levels and accuracy by epoch, for every layer of the networks that were saved along the way."""
    groups = rows.assign(beyond=beyond_copies(rows)).groupby(["activation", "layer", "epoch"], sort=True)
    table = groups.agg(
        accuracy=("accuracy", "mean"),
        S=("balance", "mean"),
        beyond_copies=("beyond", "mean"),
        two_levels_keep=("kept_given", "mean"),
    )
    table["p over seeds"] = groups["beyond"].agg(one_sample_p)
    return table.join(called(groups["leaning"]))

"""Tables of the survey: layers by condition, first against last hidden layers, rarity, training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

LEANINGS = ("distances", "intensities", "neither", "undecided")
CONDITION = ["data", "activation", "depth", "layer"]
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
    """Give each balance less the middle of its copies, the mean of both kinds' medians."""
    return rows["balance"] - rows[["shuffled_median", "fresh_median"]].mean(axis=1)


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


def called(leanings: pd.core.groupby.SeriesGroupBy) -> pd.DataFrame:
    """Count how often a group's layers are called what."""
    return pd.DataFrame({name: leanings.agg(lambda those, name=name: int((those == name).sum())) for name in LEANINGS})


def one_sample_p(values: Sequence[float]) -> float:
    """Give the two-sided p-value of a t test of the mean against zero; NaN of fewer than two values.

    Examples
    --------
    >>> one_sample_p([1.0, 1.1, 0.9]) < 0.01, one_sample_p([1.0, -1.0]) > 0.9
    (True, True)
    """
    return float(stats.ttest_1samp(values, 0).pvalue) if len(values) > 1 else float("nan")


def ends_compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare the last hidden layer with the first, activation by activation, in networks of two and more.

    The unit of the tests is a condition (data and depth), the mean of its seeds: seeds of one condition are no
    independent evidence that a layer's place matters.
    """
    deep = rows[rows["depth"] > 1].assign(beyond=beyond_copies(rows))
    means = deep.groupby(CONDITION, sort=False)["beyond"].mean().reset_index()
    found = {}
    for activation, those in means.groupby("activation", sort=False):
        first = those[those["layer"] == 1].set_index(["data", "depth"])["beyond"]
        last = those[those["layer"] == those["depth"]].set_index(["data", "depth"])["beyond"]
        found[activation] = {
            "conditions": len(first),
            "first": first.mean(),
            "p of first": one_sample_p(first),
            "last": last.mean(),
            "p of last": one_sample_p(last),
            "last - first": (last - first).mean(),
            "p of difference": one_sample_p(last - first),
        }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("activation")


def calls_by_place(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what layers are called, by activation and place among the hidden layers."""
    place = np.select(
        [rows["depth"] == 1, rows["layer"] == 1, rows["layer"] == rows["depth"]], ["only", "first", "last"], "between"
    )
    groups = rows.assign(place=place).groupby(["activation", "place"], sort=False)
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


def trained_or_not(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the predictions that two levels a node keep, in networks and in their copies."""
    columns = {"kept_given": "trained", "kept_shuffled": "shuffled", "kept_fresh": "fresh"}
    groups = rows.rename(columns=columns).groupby(["data", "activation"], sort=False)
    table = groups[list(columns.values())].mean()
    both = rows["kept_given"] > rows[["kept_shuffled", "kept_fresh"]].max(axis=1)
    return table.assign(above_both=both.groupby([rows["data"], rows["activation"]], sort=False).mean())


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

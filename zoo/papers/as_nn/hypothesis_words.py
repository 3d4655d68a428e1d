"""Tests of as-NN's open hypotheses, and what they say."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.05


def per_condition(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate means over networks, by condition and state.

    Parameters
    ----------
    rows
        A row a network and state, ``trained`` or ``untrained``.
    """
    groups = rows.groupby(["condition", "state"], sort=False)
    table = groups[[name for name in ("coherent", "excess", "p", "norm") if name in rows]].mean()
    table.insert(0, "networks", groups.size())
    return table.join(rows[rows["state"] == "trained"].groupby(["condition", "state"])["accuracy"].mean())


def accuracy_sentence(rows: pd.DataFrame) -> str:
    """Say whether networks with more coherent nodes do better, condition by condition and all together.

    Parameters
    ----------
    rows
        A row a network and state.
    """
    trained = rows[rows["state"] == "trained"]
    found = {
        name: one_sided(those["coherent"].to_numpy(), those["accuracy"].to_numpy())
        for name, those in trained.groupby("condition", sort=False)
    }
    known = {name: one for name, one in found.items() if np.isfinite(one[0])}
    if not known:
        return "Too few networks of a condition, or all alike."
    together = float(stats.combine_pvalues([p for _, p in known.values()]).pvalue)
    said = ", ".join(f"{name} {rho:+.2f}" for name, (rho, _) in known.items())
    answer = "It is supported" if together < LEVEL else "Not supported by these networks"
    return f"**{answer}**: combined p = {together:.2g} for a positive relation. By condition: {said}."


def one_sided(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Give Spearman's correlation with the exact p-value of one as large; NaN where one side is constant.

    Parameters
    ----------
    first, second
        Values of a few networks, seven at most.

    Examples
    --------
    >>> round(one_sided(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))[1], 3)
    0.167
    """
    if len(first) < 3 or not np.ptp(first) or not np.ptp(second):
        return float("nan"), float("nan")
    one, other = stats.rankdata(first), stats.rankdata(second)
    rho = float(np.corrcoef(one, other)[0, 1])
    every = [np.corrcoef(one, order)[0, 1] for order in permutations(other)]
    return rho, float(np.mean(np.array(every) >= rho - 1e-9))


def difference_sentence(rows: pd.DataFrame, column: str) -> list[str]:
    """Say of each condition how a measurement differs between trained networks and their untrained selves.

    Parameters
    ----------
    rows
        A row a network and state.
    column
        Name of the measurement: ``excess``, or ``norm``, whose distance from one is compared.
    """
    said = []
    for name, those in rows.groupby("condition", sort=False):
        table = those.pivot(index="network", columns="state", values=column)
        gap = (table - 1).abs() if column == "norm" else table
        p = stats.ttest_rel(gap["trained"], gap["untrained"]).pvalue if len(table) > 1 else np.nan
        change = gap["trained"].mean() - gap["untrained"].mean()
        if not p < LEVEL:
            word = "no clear difference"
        elif column == "norm":
            word = "closer to one" if change < 0 else "farther from one"
        else:
            word = "closer to clusters" if change > 0 else "farther from clusters"
        means = f"{table['trained'].mean():.3f} trained, {table['untrained'].mean():.3f} untrained"
        said.append(f"- {name}: {means}; {word} (paired t over {len(table)} networks, p = {p:.2g}).")
    return ["\n".join(said)]


def norm_of_batch_norm(rows: pd.DataFrame, name: str) -> str:
    """Say what a batch norm adds to the share above chance, beyond what it adds before any training.

    Parameters
    ----------
    rows
        A row a network and state.
    name
        Name of the network without the norm.
    """
    gains = {}
    for condition in (f"digits {name}", f"digits {name}-bn"):
        table = rows[rows["condition"] == condition].pivot(index="network", columns="state", values="excess")
        gains[condition] = table
    plain, normed = gains.values()
    trained = stats.ttest_ind(normed["trained"], plain["trained"], equal_var=False)
    learned = [table["trained"] - table["untrained"] for table in (plain, normed)]
    beyond = stats.ttest_ind(learned[1], learned[0], equal_var=False)
    verdict = (
        "The norm itself, not what is learned through it, accounts for the difference"
        if not (beyond.pvalue < LEVEL and beyond.statistic > 0)
        else "More is learned with the norm than without"
    )
    return (
        f"{name}: with the norm the share above chance is {normed['trained'].mean():+.3f} after training and "
        f"{normed['untrained'].mean():+.3f} before; without it {plain['trained'].mean():+.3f} and "
        f"{plain['untrained'].mean():+.3f}. After training the two differ with p = {trained.pvalue:.2g}; what training "
        f"adds differs with p = {beyond.pvalue:.2g} (Welch). {verdict}."
    )

"""learn-DM's comparison: a network with ReLU after its output fails, and a change of sign mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from zoo import checkpoints
from zoo.papers.learn_dm.node_activity import Networks, Shares
from zoo.papers.report import Page, published

FAMILIES = {"relu": ("relu", "relu2", "relu2-neg"), "abs": ("abs", "abs2", "abs2-neg")}
FAR, NEAR = 10.0, 2.0  # points of test accuracy: a failure is farther than the first, a recovery within the second


def add_negation(page: Page, networks: Networks, inactive: Shares) -> None:
    """Report what an activation after the output costs, and what negating it gives back.

    Parameters
    ----------
    page
        Report that gets the section.
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    inactive
        Variant, bias and layer -> shares of inactive nodes, from `measure_inactive`.
    """
    page.section(
        "Does ReLU2 fail, and ReLU2-Neg recover?",
        "Test accuracy in percent, mean over runs, beside the paper's, and the share of output nodes that are dead "
        f"(0 on every training image). A variant is said to fail where it ends more than {FAR:g} points below the "
        f"network without an output activation, and to keep up where it ends within {NEAR:g}.",
    )
    page.table(comparison(networks, inactive), 4)
    for family, names in FAMILIES.items():
        for bias in (True, False):
            page.add(sentence({name: test_accuracies(networks[name, bias]) for name in names}, family, bias))


def test_accuracies(paths: Sequence[Path]) -> list[float]:
    """Read the test accuracies of some checkpoints, in percent.

    Parameters
    ----------
    paths
        Paths of zoo checkpoints.

    Examples
    --------
    >>> test_accuracies([Path("zoo/pretrained/abs-digits.pt")])
    [97.5]
    """
    return [100 * checkpoints.load(path)["metrics"]["test_accuracy"] for path in paths]


def comparison(networks: Networks, inactive: Shares) -> pd.DataFrame:
    """Tabulate test accuracies and dead output nodes by variant.

    Parameters
    ----------
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    inactive
        Variant, bias and layer -> shares of inactive nodes, from `measure_inactive`.
    """
    theirs = published("learn_dm/accuracy-5000").set_index("final_bias", append=True)
    rows = {}
    for (name, bias), paths in networks.items():
        dead = [share["dead_pct"] for share in inactive.get((name, bias, "output"), ())]
        label = f"{name}, {'bias' if bias else 'no bias'}"
        rows[label] = {
            "runs": len(paths),
            "test accuracy": _mean(test_accuracies(paths)),
            "published": float(theirs.loc[(name, "yes" if bias else "no"), "test_acc_pct"]),
            "dead output nodes, %": _mean(dead),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def sentence(accuracies: Mapping[str, Sequence[float]], family: str, bias: bool) -> str:
    """Say whether the two variants of one family fail, keep up or neither.

    Parameters
    ----------
    accuracies
        Variant -> test accuracies of its runs, in percent.
    family
        Name of the family, ``relu`` or ``abs``.
    bias
        Whether the last layers have a bias.
    """
    plain, doubled, negated = FAMILIES[family]
    label = f"{family}, {'with' if bias else 'without'} a final bias"
    base = _mean(accuracies[plain])
    said = [
        f"{name} ends at {_mean(accuracies[name]):.2f} %, {_judged(base - _mean(accuracies[name]))}"
        for name in (doubled, negated)
        if accuracies[name]
    ]
    if not accuracies[plain] or not said:
        return f"**{label}:** not all of these networks are finished."
    return f"**{label}:** {plain} ends at {base:.2f} %; {'; '.join(said)}."


def _judged(short: float) -> str:
    if short > FAR:
        return f"{short:.2f} points below: it fails"
    if short <= NEAR:
        return f"{abs(short):.2f} points {'below' if short > 0 else 'above'}: it keeps up"
    return f"{short:.2f} points below: worse, not a failure"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")

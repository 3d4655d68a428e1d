"""learn-DM's table of inactive nodes, beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from interp.types import Dataset
from zoo import checkpoints
from zoo.papers.learn_dm.activity import inactive_shares
from zoo.papers.report import Cell, Page, bare_cell, mean_cell, published

THEIR_RUNS = 20
Networks = Mapping[tuple[str, bool], Sequence[Path]]  # variant and whether its last layer has a bias
Shares = Mapping[tuple[str, bool, str], Sequence[Mapping[str, float]]]  # variant, bias and layer -> one a run

POOLED = (
    "The networks behind the paper's table have no final bias: its notes name the accuracy of those (47 % for ReLU2) "
    "beside these numbers. Ours with and without are taken together; two of the same seed start alike and count as one "
    "run, with their mean."
)


def measure_inactive(networks: Networks, data: Dataset) -> dict[tuple[str, bool, str], list[dict[str, float]]]:
    """Measure the hidden layer of every network, and the output layer where an activation follows it.

    Parameters
    ----------
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    data
        Data set MNIST.

    Returns
    -------
    dict
        Variant, bias and layer -> shares of inactive nodes and seed, one a run.
    """
    return {
        (name, bias, layer): [{**inactive_shares(path, data, layer), "seed": seed_of(path)} for path in paths]
        for (name, bias), paths in networks.items()
        for layer in (("hidden", "output") if "2" in name else ("hidden",))
    }


def add_inactive(page: Page, found: Shares) -> None:
    """Report dead and rarely active nodes.

    Parameters
    ----------
    page
        Report that gets the section.
    found
        Shares of inactive nodes, from `measure_inactive`.
    """
    page.section(
        "Dead and rarely active nodes",
        "Dead: |activation| <= 1e-6 on every training image; rarely active: above it on fewer than 1 % of them, the "
        f"dead included, in both layers. {POOLED}",
    )
    page.compare(list(_inactive_cells(found)))
    page.add(
        "*Rarely active.* The author's published code has the limit of 1 % as well, and his averages are 0.6 and 0.15 "
        "hidden nodes of 128 for ReLU and ReLU2. Where ours are far more, his table may be older than that code: below "
        "is also the share of nodes that are active on fewer than 0.1 % of the images. This was looked at after the "
        "cells had failed, and changes none of them."
    )
    page.table(limits(found), 3)


def limits(found: Shares) -> pd.DataFrame:
    """Tabulate the shares of rarely active nodes by two limits, means over a variant's runs, beside the paper's.

    Parameters
    ----------
    found
        Shares of inactive nodes, from `measure_inactive`.
    """
    table, rows = published("learn_dm/dead-nodes-5000").set_index("layer", append=True), {}
    for (name, layer), theirs in table.iterrows():
        shares = [share for bias in (False, True) for share in found[name, bias, layer]]
        if shares:
            means = {
                label: float(np.mean(per_seed(shares, column)))
                for label, column in (("below 1 %", "rarely_active_pct"), ("below 0.1 %", "rarest_pct"))
            }
            rows[f"{name}, {layer}"] = {"networks": len(shares), "published": theirs["rarely_active_pct"], **means}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network, layer")


def _inactive_cells(found: Shares) -> Iterator[Cell]:
    table = published("learn_dm/dead-nodes-5000").set_index("layer", append=True)
    for (name, layer), theirs in table.iterrows():
        shares = [share for bias in (False, True) for share in found[name, bias, layer]]
        for row in ("dead_pct", "rarely_active_pct"):
            label = f"inactive / {row} / {name} {layer}"
            yield mean_or_bare(label, theirs[row], per_seed(shares, row), digits=1)


def per_seed(runs: Sequence[Mapping[str, float]], column: str) -> list[float]:
    """Give one value a seed, the mean over its networks: those of one seed start alike and are no independent runs.

    Parameters
    ----------
    runs
        Measurements of each network, with its ``seed``.
    column
        Name of the measurement.

    Examples
    --------
    >>> per_seed([{"seed": 0, "dead_pct": 1.0}, {"seed": 0, "dead_pct": 3.0}, {"seed": 1, "dead_pct": 0.0}], "dead_pct")
    [2.0, 0.0]
    """
    if not runs:
        return []
    return [float(value) for value in pd.DataFrame(list(runs)).groupby("seed")[column].mean()]


def seed_of(path: Path) -> int:
    """Read the seed of a checkpoint.

    Parameters
    ----------
    path
        Path of a zoo checkpoint.
    """
    return int(checkpoints.load(path)["seed"])


def mean_or_bare(cell: str, number: float, values: Sequence[float], *, digits: int, rule: str = "mean") -> Cell:
    """Judge a mean over seeds, or show the published number alone where no network is finished.

    Parameters
    ----------
    cell
        Table, row and column.
    number
        Published number.
    values
        Our values, one a seed.
    digits
        Number of decimals that the paper prints.
    rule
        Name of the rule, ``mean`` or ``read``.
    """
    if not values:
        return bare_cell(cell, number, values, "no finished network")
    return mean_cell(cell, number, values, digits=digits, their_runs=THEIR_RUNS, rule=rule)

"""learn-DM's tables of inactive nodes and of clamped hidden layers, beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from interp.types import Dataset
from zoo import checkpoints
from zoo.experiments.activity import clamp_at_half, inactive_shares
from zoo.experiments.cells import Cell, bare_cell, mean_cell
from zoo.experiments.page import Page
from zoo.experiments.published import published

THEIR_RUNS = 20
Networks = Mapping[tuple[str, bool], Sequence[Path]]  # variant and whether its last layer has a bias
Shares = Mapping[tuple[str, bool, str], Sequence[Mapping[str, float]]]  # variant, bias and layer -> one a run

POOLED = (
    "The networks behind the paper's table have no final bias: its notes name the accuracy of those (47 % for ReLU2) "
    "beside these numbers. Ours with and without are taken together; two of the same seed start alike and count as one "
    "run, with their mean."
)


def measure_inactive(networks: Networks, data: Dataset) -> dict[tuple[str, bool, str], list[dict[str, float]]]:
    """Look at the hidden layer of every network, and at the output layer where an activation follows it."""
    return {
        (name, bias, layer): [{**inactive_shares(path, data, layer), "seed": _seed(path)} for path in paths]
        for (name, bias), paths in networks.items()
        for layer in (("hidden", "output") if "2" in name else ("hidden",))
    }


def add_inactive(page: Page, found: Shares) -> None:
    """Report dead and rarely active nodes."""
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
    """Tabulate the shares of rarely active nodes by two limits, means over a variant's runs, beside the paper's."""
    table, rows = published("learn-dm-dead-nodes-5000").set_index("layer", append=True), {}
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
    table = published("learn-dm-dead-nodes-5000").set_index("layer", append=True)
    for (name, layer), theirs in table.iterrows():
        shares = [share for bias in (False, True) for share in found[name, bias, layer]]
        for row in ("dead_pct", "rarely_active_pct"):
            label = f"inactive / {row} / {name} {layer}"
            yield _mean_or_bare(label, theirs[row], per_seed(shares, row), digits=1)


def per_seed(runs: Sequence[Mapping[str, float]], column: str) -> list[float]:
    """Give one value a seed, the mean over its networks: those of one seed start alike and are no independent runs."""
    if not runs:
        return []
    return [float(value) for value in pd.DataFrame(list(runs)).groupby("seed")[column].mean()]


def _seed(path: Path) -> int:
    return int(checkpoints.load(path)["seed"])


def add_clamps(page: Page, networks: Networks, data: Dataset) -> None:
    """Report where clamps halve the accuracy, by both readings of the range."""
    found = {
        key: [{**clamp_at_half(path, data), "seed": _seed(path)} for path in paths] for key, paths in networks.items()
    }
    page.section(
        "Clamps",
        "The hidden layer's outputs are held above (min) or below (max) a percentage of a range, in steps of 1 %. The "
        "cell is the least percentage that as a lower bound leaves half of the training accuracy or less, or as an "
        f"upper bound more than half. {POOLED}",
        "*Whose range?* The paper says the layer's. That reading (`hidden` below) gave 19.5 and 7 for our first two "
        "Abs networks instead of 35 and 30. After that failure we read the analysis that the paper's author published: "
        "its range spans the outputs of every activation, that of the output layer too, and of Abs networks the whole "
        "network's output as well, since it picks modules whose class name contains `Abs` and the network's own does. "
        "So the range of Abs and Abs2-Neg begins at their least logit, far below zero, and equal percentages mean "
        "other bounds. The cells use that range (`all`), which was thus chosen after looking at ours; the other stands "
        "beside it.",
    )
    page.compare(list(_clamp_cells(found)))
    table = readings(found)
    page.table(table, 3)
    page.add(closeness(table))


def _clamp_cells(found: Mapping[tuple[str, bool], Sequence[Mapping[str, float]]]) -> Iterator[Cell]:
    for name, theirs in published("learn-dm-clamp50").iterrows():
        runs = [run for bias in (False, True) for run in found[str(name), bias]]
        for side in ("min", "max"):
            values = per_seed(runs, f"{side}, all")
            number = theirs[f"clamp_{side}_pct_at_half_accuracy"]
            yield _mean_or_bare(f"clamp / {side} / {name}", number, values, digits=0, rule="read")


def readings(found: Mapping[tuple[str, bool], Sequence[Mapping[str, float]]]) -> pd.DataFrame:
    """Tabulate the clamps of every variant by both readings, means over runs, beside the published ones."""
    theirs, rows = published("learn-dm-clamp50"), {}
    for (name, bias), runs in found.items():
        if runs:
            numbers = {f"{side}, published": theirs.loc[name, f"clamp_{side}_pct_at_half_accuracy"] for side in _SIDES}
            rows[f"{name}, {'bias' if bias else 'no bias'}"] = {
                "runs": len(runs), **pd.DataFrame(list(runs)).mean().to_dict(), **numbers
            }  # fmt: skip
    columns = ["runs", *(f"{side}, {kind}" for side in _SIDES for kind in ("published", "all", "hidden"))]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns).rename_axis("network")


def closeness(table: pd.DataFrame) -> str:
    """Say how far each reading is from the published percentages at most."""
    apart = {
        reading: max(float((table[f"{side}, published"] - table[f"{side}, {reading}"]).abs().max()) for side in _SIDES)
        for reading in ("all", "hidden")
    }
    return (
        f"Over these rows the largest difference from the published percentages is {apart['all']:.3g} points by `all` "
        f"and {apart['hidden']:.3g} by `hidden`."
    )


_SIDES = ("min", "max")


def _mean_or_bare(cell: str, number: float, values: Sequence[float], *, digits: int, rule: str = "mean") -> Cell:
    if not values:
        return bare_cell(cell, number, values, "no finished network")
    return mean_cell(cell, number, values, digits=digits, their_runs=THEIR_RUNS, rule=rule)

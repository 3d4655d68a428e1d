"""learn-DM's figures of clamped hidden layers, and the percentages read off them, beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from interp.types import Dataset
from zoo.papers.learn_dm.activity import at_half, clamp_curves
from zoo.papers.learn_dm.node_activity import POOLED, Networks, mean_or_bare, per_seed, seed_of
from zoo.papers.report import Cell, Page, published, run_lines

SIDES = ("min", "max")
Halves = Mapping[tuple[str, bool], Sequence[Mapping[str, float]]]  # variant and bias -> what `at_half` says, one a run


def add_clamps(page: Page, networks: Networks, data: Dataset) -> None:
    """Report where clamps halve the accuracy, by both readings of the range.

    Parameters
    ----------
    page
        Report that gets the section.
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    data
        Data set MNIST.
    """
    curves = pd.concat(
        [
            clamp_curves(path, data).assign(variant=name, bias=bias, seed=seed_of(path))
            for (name, bias), paths in networks.items()
            for path in paths
        ],
        ignore_index=True,
    )
    found = {key: _halves(curves, *key) for key in networks}
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
    page.compare(list(_cells(found)))
    table = readings(found)
    page.table(table, 3)
    page.add(closeness(table))
    page.figure("clamps", clamp_figure(curves), _CAPTION)


_CAPTION = (
    "Training accuracy while the hidden outputs are held above (min) or below (max) a percentage of the range `all`; "
    "mean and range over networks, with a final bias and without. Dotted: the percentages that the paper reads off."
)


def _halves(curves: pd.DataFrame, name: str, bias: bool) -> list[dict[str, float]]:
    chosen = curves[(curves["variant"] == name) & (curves["bias"] == bias)]
    return [{**at_half(one), "seed": int(seed)} for seed, one in chosen.groupby("seed")]


def _cells(found: Halves) -> Iterator[Cell]:
    for name, theirs in published("learn_dm/clamp50").iterrows():
        runs = [run for bias in (False, True) for run in found[str(name), bias]]
        for side in SIDES:
            values = per_seed(runs, f"{side}, all")
            number = theirs[f"clamp_{side}_pct_at_half_accuracy"]
            yield mean_or_bare(f"clamp / {side} / {name}", number, values, digits=0, rule="read")


def readings(found: Halves) -> pd.DataFrame:
    """Tabulate the clamps of every variant by both readings, means over runs, beside the published ones.

    Parameters
    ----------
    found
        Variant and bias -> percentages that halve the accuracy, from `at_half`, one a run.
    """
    theirs, rows = published("learn_dm/clamp50"), {}
    for (name, bias), runs in found.items():
        if runs:
            numbers = {f"{side}, published": theirs.loc[name, f"clamp_{side}_pct_at_half_accuracy"] for side in SIDES}
            rows[f"{name}, {'bias' if bias else 'no bias'}"] = {
                "runs": len(runs), **pd.DataFrame(list(runs)).mean().to_dict(), **numbers
            }  # fmt: skip
    columns = ["runs", *(f"{side}, {kind}" for side in SIDES for kind in ("published", "all", "hidden"))]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns).rename_axis("network")


def closeness(table: pd.DataFrame) -> str:
    """Say how far each reading is from the published percentages at most.

    Parameters
    ----------
    table
        Table from `readings`.
    """
    apart = {
        reading: max(float((table[f"{side}, published"] - table[f"{side}, {reading}"]).abs().max()) for side in SIDES)
        for reading in ("all", "hidden")
    }
    return (
        f"Over these rows the largest difference from the published percentages is {apart['all']:.3g} points by `all` "
        f"and {apart['hidden']:.3g} by `hidden`."
    )


def clamp_figure(curves: pd.DataFrame) -> Figure:
    """Draw accuracy against the percentage of the range `all`, a panel a variant, with the published halves.

    Parameters
    ----------
    curves
        Accuracies under clamps, from `clamp_curves`, with the columns ``variant``, ``bias`` and ``seed``.
    """
    shown = curves[curves["reading"] == "all"].assign(accuracy=100 * curves["accuracy"])
    grid = run_lines(shown, x="percent", y="accuracy", hue="side", hue_order=SIDES, col="variant", col_wrap=3)
    for name, theirs in published("learn_dm/clamp50").iterrows():
        if name in grid.axes_dict:
            for side, shade in zip(SIDES, ("C0", "C1"), strict=True):
                number = theirs[f"clamp_{side}_pct_at_half_accuracy"]
                grid.axes_dict[name].axvline(number, color=shade, linestyle=":", zorder=0)
    grid.set_axis_labels("percentage of the range", "training accuracy, %")
    grid.set_titles("{col_name}")
    figure: Figure = grid.figure
    return figure

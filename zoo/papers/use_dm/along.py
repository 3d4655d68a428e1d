"""The moment in training when a network comes to bear scaling better than shifting (asked by reviewers of use-DM)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from interp.types import Dataset
from zoo import checkpoints
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page, run_lines
from zoo.papers.trainings import full_batch
from zoo.papers.use_dm.tolerated import IMAGES, tolerated
from zoo.training import snapshot_epochs, snapshot_path

YARDSTICKS = ("accuracy", "agreement")


def add_along_training(
    page: Page, paths: Mapping[str, Sequence[Path]], data: Dataset, epochs: int, options: ReproduceOptions
) -> None:
    """Report at which snapshot the preference for scaling over shifting appears.

    Parameters
    ----------
    page
        Report that gets the section.
    paths
        Network -> checkpoints of its finished runs.
    data
        Data set that they were trained on.
    epochs
        Number of epochs of the whole training.
    options
        Size of the reproduction, and its folders, in which the snapshots lie.
    """
    folder = options.training("full-batch").out
    rows = [
        {"network": name, "epoch": epoch, "run": run, **tolerated(path, data)}
        for name, runs in paths.items()
        for run, final in enumerate(runs)
        for epoch, path in _history(name, epochs, folder, final)
    ]
    found = pd.DataFrame(rows)
    page.section(
        "Along training: when does the preference appear?",
        f"Snapshots of every run at {', '.join(f'{epoch:,}' for epoch in sorted(found['epoch'].unique()))} epochs. "
        "*Weakening* is the share of a node's range by which the hidden layer can be scaled down, *shift* the share by "
        "which boundaries can be moved either way (half the tolerated range of offsets), before one point is lost on "
        f"{IMAGES:,} training images; *ratio* is weakening over shift, and above 1 scaling is borne better. The point "
        "is one of accuracy, or of agreement with the network's own unperturbed predictions; an untrained network has "
        "no accuracy to lose, but it has predictions. Means over runs; of the ratio, least and largest run too.",
    )
    page.table(summary(found), 3)
    page.figure("along-training", curves(found), "Tolerated weakening over tolerated shift; mean and range over runs.")
    page.add(*[sentence(found[found["network"] == name], name) for name in paths])


def _history(name: str, epochs: int, folder: Path, final: Path) -> list[tuple[int, Path]]:
    recipe, seed = full_batch(name, epochs=epochs), checkpoints.load(final)["seed"]
    found = [(epoch, snapshot_path(folder, recipe, seed, epoch)) for epoch in snapshot_epochs(recipe)]
    return [(epoch, path) for epoch, path in found if path.exists()] + [(epochs, final)]


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the tolerances by network and epoch.

    Parameters
    ----------
    found
        Tolerances, from `tolerated`, a row a snapshot, with the columns ``network``, ``epoch`` and ``run``.

    Returns
    -------
    DataFrame
        Means over runs; of the ratios, least and largest run too.
    """
    rows = {}
    for (name, epoch), part in found.groupby(["network", "epoch"], sort=False):
        row: dict[str, object] = {"runs": len(part), "accuracy": part["accuracy"].mean()}
        for yardstick in YARDSTICKS:
            row |= {f"{what}, {yardstick}": part[f"{what}, {yardstick}"].mean() for what in ("weakening", "shift")}
            row[f"ratio, {yardstick}"] = _with_range(part[f"ratio, {yardstick}"])
        rows[f"{name}, {epoch:,}"] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network, epoch")


def _with_range(values: pd.Series) -> str:
    values = values.dropna()
    return f"{values.mean():.3g} ({values.min():.3g} to {values.max():.3g})" if len(values) else "-"


def curves(found: pd.DataFrame) -> Figure:
    """Draw tolerated weakening over tolerated shift against epochs, a panel a yardstick, with the range over runs.

    Parameters
    ----------
    found
        Tolerances, a row a snapshot, as in `summary`.
    """
    parts = [
        found[["network", "epoch"]].assign(yardstick=yardstick, ratio=found[f"ratio, {yardstick}"])
        for yardstick in YARDSTICKS
    ]
    tall = pd.concat(parts, ignore_index=True).dropna()
    grid = run_lines(tall, x="epoch", y="ratio", hue="network", col="yardstick", marker="o")
    last = found["epoch"].max()
    for axes in grid.axes.flat:
        axes.set_xscale("symlog", linthresh=max(last / 100, 1), linscale=0.5)
        axes.set_xlim(-last / 1000, 1.3 * last)
        axes.set_xticks(sorted({0, last // 100, last // 10, last}))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_yscale("log")
        axes.axhline(1, color="grey", linestyle="--")
    grid.set_axis_labels("epoch", "weakening / shift")
    figure: Figure = grid.figure
    return figure


def sentence(found: pd.DataFrame, name: str) -> str:
    """Say when the ratio of one network is above 1 in every run, and where it goes from there.

    Parameters
    ----------
    found
        Tolerances of that network alone, a row a snapshot, as in `summary`.
    name
        Name of the network.
    """
    said = [f"**{name}.**", _first_sight(found, "accuracy"), _first_sight(found, "agreement"), _course(found)]
    return " ".join(part for part in said if part)


def _first_sight(found: pd.DataFrame, yardstick: str) -> str:
    least = found.groupby("epoch")[f"ratio, {yardstick}"].min().dropna()
    above = [epoch for epoch in least.index if (least[least.index >= epoch] > 1).all()]
    if not above:
        return f"By {yardstick}, scaling is not borne better than shifting in every run, at any snapshot."
    if above[0] == 0:
        return f"By {yardstick}, every run bears scaling better than shifting from the start, before any training."
    earliest = "the first snapshot" + (" with any accuracy to lose" if yardstick == "accuracy" else "")
    first = earliest if above[0] == least.index[0] else "and ever after"
    return f"By {yardstick}, every run bears scaling better than shifting at {above[0]:,} epochs, {first}."


def _course(found: pd.DataFrame) -> str:
    means = found.groupby("epoch")["ratio, agreement"].mean()
    if len(means) < 2:
        return ""
    first, last = means.iloc[0], means.iloc[-1]
    moved = "weaker" if last < first / 2 else "stronger" if last > 2 * first else "neither weaker nor stronger"
    return (
        f"From epoch {means.index[0]:,} to {means.index[-1]:,} the ratio by agreement goes from {first:.3g} to "
        f"{last:.3g}: training makes the preference {moved} (less than a factor of 2 counts as neither)."
    )

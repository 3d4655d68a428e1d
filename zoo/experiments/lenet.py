"""``python -m zoo reproduce lenet``: LeNet-5 with ReLU and with Abs, left open in as-NN."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy import stats

from zoo import checkpoints
from zoo.experiments.follow_ups import add_perturbations
from zoo.experiments.options import ReproduceOptions, nothing_finished
from zoo.experiments.page import Page
from zoo.recipes import Recipe

NETWORKS = ("lenet-abs", "lenet-relu")
RUNS, EPOCHS = 5, 10
AUTHORS = {"lenet-abs": 98.75, "lenet-relu": 98.49}  # test accuracy of his two saved networks, in percent


def recipe(name: str, epochs: int = EPOCHS) -> Recipe:
    """Describe one training: raw pixels and ten epochs as in the author's runs; the rest is ours.

    The author's optimiser is not published. A rate of 0.001 with momentum diverges on raw pixels for
    some starts, 0.0002 does not.
    """
    return Recipe(
        name,
        name,
        "mnist",
        "raw",
        (1, 28, 28),
        {"side": 28, "classes": 10},
        lr=0.0002,
        momentum=0.9,
        batch=64,
        epochs=epochs,
    )


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, compare, and write ``reports/lenet``."""
    data, runs, epochs = options.mnist(), options.runs or RUNS, options.epochs or EPOCHS
    paths = {name: options.networks(recipe(name, epochs), runs, data, "lenet") for name in NETWORKS}
    if not all(paths.values()):
        raise nothing_finished(options.trained / "lenet")
    page = Page(options.reports / "lenet", "LeNet-5 with ReLU and with Abs: what we find")
    page.add(
        f"LeNet-5 with max-pooling on raw 0..255 pixels, {epochs} epochs in batches of 64, SGD with rate 0.0002 and "
        "momentum 0.9 (the author's optimiser is not published). His two saved networks reach "
        f"{AUTHORS['lenet-abs']} % (Abs) and {AUTHORS['lenet-relu']} % (ReLU) on the test images."
    )
    table = accuracy_table(paths)
    page.section("Accuracy", _difference(table))
    page.table(table.groupby("network", sort=False).agg(["mean", "std", "min", "max", "count"]).T, 4)
    page.figure("accuracies", _figure(table), "Test accuracy of every network.")
    page.section("Follow-up: perturbations of the first dense layer")
    add_perturbations(page, paths, data, layer="fc1")
    return page.write()


def accuracy_table(paths: dict[str, list[Path]]) -> pd.DataFrame:
    """Tabulate training and test accuracy of every network, in percent."""
    rows = []
    for name, those in paths.items():
        for path in those:
            reached = checkpoints.load(path)["metrics"]
            accuracy = {f"{split} accuracy, %": 100 * reached[f"{split}_accuracy"] for split in ("train", "test")}
            rows.append({"network": name, **accuracy})
    return pd.DataFrame(rows)


def _difference(table: pd.DataFrame) -> str:
    first, second = (table.loc[table["network"] == name, "test accuracy, %"] for name in NETWORKS)
    if min(len(first), len(second)) < 2:
        return "One run each: no test of the difference."
    test = stats.ttest_ind(first, second, equal_var=False)
    gap = first.mean() - second.mean()
    return (
        f"Abs minus ReLU on the test images: {gap:+.2f} points (Welch t = {test.statistic:.2f}, p = {test.pvalue:.2g})."
    )


def _figure(table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(6, 2))
    axes = figure.subplots()
    sns.stripplot(table, x="test accuracy, %", y="network", hue="network", legend=False, ax=axes)
    return figure

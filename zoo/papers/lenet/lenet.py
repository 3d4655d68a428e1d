"""``python -m zoo reproduce lenet``: LeNet-5 with ReLU and with Abs, left open in as-NN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy import stats

from interp.types import Dataset
from zoo import checkpoints
from zoo.papers.options import ReproduceOptions, nothing_finished
from zoo.papers.report import Cell, Page, mean_cell, published
from zoo.papers.use_dm.follow_ups import add_perturbations
from zoo.recipes import Recipe

NETWORKS = ("lenet-abs", "lenet-relu")
PUBLISHED = "lenet/accuracies"
RUNS, EPOCHS = 5, 10
RATE, MOMENTUM, BATCH = 0.001, 0.5, 64
"""Settings of the author's optimiser, plain stochastic gradient descent."""


def recipe(name: str, epochs: int = EPOCHS) -> Recipe:
    """Describe one training: raw pixels, ten epochs and the optimiser of the author's public code.

    Parameters
    ----------
    name
        Name of the network, ``lenet-abs`` or ``lenet-relu``.
    epochs
        Number of epochs.

    Examples
    --------
    >>> recipe("lenet-abs").lr
    0.001
    """
    return Recipe(
        name,
        name,
        "mnist",
        "raw",
        (1, 28, 28),
        {"side": 28, "classes": 10},
        lr=RATE,
        momentum=MOMENTUM,
        batch=BATCH,
        epochs=epochs,
    )


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, compare, and write ``reports/lenet``.

    Parameters
    ----------
    options
        Size of the reproduction, and its folders.

    Returns
    -------
    Path
        Path of the report's ``README.md``.

    Raises
    ------
    DataError
        If MNIST is not found.
    UsageError
        If no network is finished and none is to be trained, or a file cannot be written.

    Examples
    --------
    >>> from interp.data import DataOptions
    >>> reproduce(ReproduceOptions(data=DataOptions(root="nowhere", offline=True)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    interp.errors.DataError: ...
    """
    data, runs, epochs = options.mnist(), options.runs or RUNS, options.epochs or EPOCHS
    paths = {name: options.networks(recipe(name, epochs), runs, data, "lenet") for name in NETWORKS}
    if not all(paths.values()):
        raise nothing_finished(options.trained / "lenet")
    page = Page(options.reports / "lenet", "LeNet-5 with ReLU and with Abs: what we find")
    page.add(setup(epochs))
    page.section("Accuracy")
    page.compare(accuracy_cells(paths))
    add_accuracies(page, paths, "accuracies")
    page.section("Follow-up: perturbations of the first dense layer")
    add_perturbations(page, paths, data, layer="fc1")
    return page.write()


def add_to_paper(page: Page, data: Dataset, options: ReproduceOptions) -> None:
    """Report the accuracies as a section of the paper that leaves them open.

    Parameters
    ----------
    page
        Report that gets the section.
    data
        Data set MNIST.
    options
        Size of the reproduction, and its folders.
    """
    epochs = options.epochs or EPOCHS
    paths = {name: options.networks(recipe(name, epochs), RUNS, data, "lenet") for name in NETWORKS}
    page.section("LeNet-5 with ReLU and with Abs (left open in the paper)", setup(epochs))
    if not all(paths.values()):
        page.add("Not all of these networks are finished; the same command continues with the missing ones.")
        return
    add_accuracies(page, paths, "lenet")
    page.add("`python -m zoo reproduce lenet` also perturbs them: see `reports/lenet`.")


def setup(epochs: int) -> str:
    """Describe the trainings, and what the author's own networks reach.

    Parameters
    ----------
    epochs
        Number of epochs of our networks.
    """
    theirs = published(PUBLISHED).mean()
    return (
        f"LeNet-5 with max-pooling on raw 0..255 pixels, {epochs} epochs in batches of {BATCH}, SGD with rate {RATE:g} "
        f"and momentum {MOMENTUM:g}, as in the author's public code, whose five runs of each end at "
        f"{theirs['abs_acc_pct']:.2f} % (Abs) and {theirs['relu_acc_pct']:.2f} % (ReLU) on the test images."
    )


def accuracy_cells(paths: Mapping[str, Sequence[Path]]) -> list[Cell]:
    """Set the mean test accuracy of both networks beside the author's runs.

    Parameters
    ----------
    paths
        Name of a network -> checkpoints of our runs.
    """
    made = []
    for name, those in paths.items():
        activation = name.removeprefix("lenet-")
        theirs = published(PUBLISHED)[f"{activation}_acc_pct"]
        made.append(
            mean_cell(
                f"lenet / test_acc / {activation}",
                float(theirs.mean()),
                [100 * checkpoints.load(path)["metrics"]["test_accuracy"] for path in those],
                digits=2,
                their_runs=len(theirs),
                their_spread=float(theirs.std()),
            )
        )
    return made


def add_accuracies(page: Page, paths: Mapping[str, Sequence[Path]], figure: str) -> None:
    """Append the test of the difference, the accuracies of both networks, and a figure.

    Parameters
    ----------
    page
        Report that gets them.
    paths
        Network -> its checkpoints.
    figure
        Name of the figure's file, without the ending.
    """
    table = accuracy_table(paths)
    page.add(_difference(table))
    grouped = table.groupby(["network", "split"], sort=False)["accuracy, %"]
    summary = grouped.agg(["mean", "std", "min", "max"]).assign(runs=grouped.size())
    page.table(summary.set_axis([", ".join(key) for key in summary.index]).rename_axis("accuracy in percent"), 4)
    page.figure(figure, _figure(table[table["split"] == "test"]), "Test accuracy of every network.")


def accuracy_table(paths: Mapping[str, Sequence[Path]]) -> pd.DataFrame:
    """Tabulate training and test accuracy of every network, a row each, in percent.

    Parameters
    ----------
    paths
        Network -> its checkpoints.
    """
    return pd.DataFrame(
        {"network": name, "split": split, "accuracy, %": 100 * checkpoints.load(path)["metrics"][f"{split}_accuracy"]}
        for name, those in paths.items()
        for path in those
        for split in ("train", "test")
    )


def _difference(table: pd.DataFrame) -> str:
    test_rows = table[table["split"] == "test"].set_index("network")["accuracy, %"]
    first, second = (test_rows[[name]] for name in NETWORKS)
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
    sns.stripplot(table, x="accuracy, %", y="network", hue="network", legend=False, ax=axes)
    axes.set_xlabel("test accuracy, %")
    return figure

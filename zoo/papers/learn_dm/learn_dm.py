"""``python -m zoo reproduce learn-dm``: the tables of *Neural Networks Learn Distance Metrics* (arXiv 2502.02103)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from interp.types import Dataset
from zoo.papers.learn_dm.architectures import architecture_parts
from zoo.papers.learn_dm.clamps import add_clamps
from zoo.papers.learn_dm.negation import add_negation, test_accuracies
from zoo.papers.learn_dm.node_activity import Networks, add_inactive, measure_inactive
from zoo.papers.learn_dm.short_distances import add_short_distances
from zoo.papers.options import ReproduceOptions, nothing_finished
from zoo.papers.report import Cell, Page, bare_cell, hardware, mean_cell, published
from zoo.papers.trainings import DISTANCES, EPOCHS, LONG, VARIANTS, full_batch
from zoo.recipes import Recipe

RUNS = 20
LOOSE = 2.0  # points of published standard deviation, beyond which a cell asks for little


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, measure, and write ``reports/learn-dm``.

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
    page = Page(options.reports / "learn-dm", "Neural Networks Learn Distance Metrics: what we find")
    page.add(_setup(epochs))
    short = {key: _networks(recipe, runs, data, options) for key, recipe in short_recipes(epochs).items()}
    if not any(short.values()):
        raise nothing_finished(options.trained / "full-batch")
    page.add(_progress(short))
    add_accuracies(page, short, epochs)
    inactive = measure_inactive(short, data)
    add_negation(page, short, inactive)
    add_inactive(page, inactive)
    add_clamps(page, short, data)
    add_long(page, runs, data, options)
    add_short_distances(page, data, options)
    return page.write()


def short_recipes(epochs: int) -> dict[tuple[str, bool], Recipe]:
    """List the twelve trainings of the 5,000-epoch tables.

    Parameters
    ----------
    epochs
        Number of epochs; 5,000 as published.

    Returns
    -------
    dict
        Variant, and whether its last layer has a bias -> recipe.

    Examples
    --------
    >>> len(short_recipes(5000))
    12
    """
    return {
        (name, bias): full_batch(name, final_bias=bias, epochs=epochs) for bias in (True, False) for name in VARIANTS
    }


def _networks(recipe: Recipe, runs: int, data: Dataset, options: ReproduceOptions) -> list[Path]:
    along = "final_bias" not in recipe.arguments and recipe.name in ("abs", "relu")  # use-DM's networks: they share
    return options.networks(recipe, runs, data, "full-batch", along=along)


def add_accuracies(page: Page, networks: Networks, epochs: int) -> None:
    """Report the test accuracies after 5,000 epochs.

    Parameters
    ----------
    page
        Report that gets the section.
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    epochs
        Number of epochs that they were trained for.
    """
    page.section(
        f"Test accuracy after {epochs:,} epochs",
        '*Erratum.* The paper\'s table captioned "5,000 epochs" repeats the 50,000-epoch values; these are the '
        "5,000-epoch values from its running text and from the runs with biases.",
    )
    table = published("learn_dm/accuracy-5000").set_index("final_bias", append=True)
    cells = [
        accuracy_cell("5,000 epochs", name, bias, table.loc[(name, "yes" if bias else "no")], paths)
        for (name, bias), paths in networks.items()
    ]
    page.compare(cells)
    page.add(*_loose(table["std_pct"], networks))
    page.add(*architecture_parts(cells))
    page.add("What the table prints under that caption, beside ours and the values of the running text:")
    printed = both_readings(networks)
    page.table(printed, 4)
    page.add(closer(printed))
    page.figure(
        "accuracies",
        accuracy_figure(networks),
        "Test accuracy of every network; black: the published mean and standard deviation.",
    )


def _loose(spread: pd.Series, networks: Networks) -> list[str]:
    """Name the cells whose rule asks for little, since the paper's own runs differ so much."""
    wide = [
        f"`{name}, {'bias' if bias else 'no bias'}` ({spread[name, 'yes' if bias else 'no']:g})"
        for (name, bias), paths in networks.items()
        if paths and spread[name, "yes" if bias else "no"] > LOOSE
    ]
    if not wide:
        return []
    return [
        f"*Cells that ask for little.* Where the paper's own standard deviation is above {LOOSE:g} points, nearly any "
        f"result of a few runs is within the rule: {', '.join(wide)}. They are counted, and say little."
    ]


def both_readings(networks: Networks) -> pd.DataFrame:
    """Tabulate our accuracies after 5,000 epochs beside the paper's, and beside the 50,000-epoch values printed there.

    With a final bias alone: the printed table has no other.

    Parameters
    ----------
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    """
    text = published("learn_dm/accuracy-5000").set_index("final_bias", append=True)["test_acc_pct"]
    printed = published("learn_dm/accuracy-50000")["test_acc_pct"]
    rows = {
        name: {"ours": np.mean(test_accuracies(paths)), "5,000": text[name, "yes"], "printed": printed[name]}
        for (name, bias), paths in networks.items()
        if bias and paths
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["ours", "5,000", "printed"])
    return table.rename_axis("network, bias")


def closer(table: pd.DataFrame) -> str:
    """Say which reading of the caption our accuracies are closer to.

    Parameters
    ----------
    table
        Table from `both_readings`.
    """
    nearer = (table["ours"] - table["5,000"]).abs() < (table["ours"] - table["printed"]).abs()
    others = f", not for {', '.join(map(str, table.index[~nearer]))}" if not nearer.all() else ""
    return f"Ours are closer to the 5,000-epoch value for {int(nearer.sum())} of {len(table)} variants{others}."


def accuracy_cell(table: str, name: str, bias: bool | None, theirs: pd.Series, paths: Sequence[Path]) -> Cell:
    """Set one published accuracy beside ours; not judged where no network is finished.

    Parameters
    ----------
    table
        Name of the table, the first part of the cell's name.
    name
        Name of the variant.
    bias
        Whether the variant's last layer has a bias; None where the table does not say.
    theirs
        Published mean ``test_acc_pct`` and standard deviation ``std_pct``.
    paths
        Checkpoints of our runs.
    """
    label = f"{table} / test_acc / {name}" + {True: ", bias", False: ", no bias", None: ""}[bias]
    values = test_accuracies(paths)
    if not values:
        return bare_cell(label, theirs["test_acc_pct"], values, "no finished network")
    return mean_cell(label, theirs["test_acc_pct"], values, digits=2, their_runs=RUNS, their_spread=theirs["std_pct"])


def add_long(page: Page, runs: int, data: Dataset, options: ReproduceOptions) -> None:
    """Report the extended table of 50,000 epochs; left out where other epochs are asked for.

    Parameters
    ----------
    page
        Report that gets the section.
    runs
        Number of networks a variant.
    data
        Data set MNIST.
    options
        Size of the reproduction, and its folders.
    """
    if options.epochs not in (None, LONG):
        return
    page.section(f"Test accuracy after {LONG:,} epochs")
    table, cells = published("learn_dm/accuracy-50000"), []
    for name in (*VARIANTS, *DISTANCES):
        paths = options.networks(full_batch(name, epochs=LONG), runs, data, "full-batch-long")
        cells.append(accuracy_cell("50,000 epochs", name, None, table.loc[name], paths))
    if any(cell.runs for cell in cells):
        page.compare(cells)
        return
    page.cells.extend(cells)
    page.add(
        "No training of this length is finished: each takes ten times as long as one above, and wants a GPU. The "
        "published values stand in `cells.csv`."
    )


def accuracy_figure(networks: Networks) -> Figure:
    """Draw the test accuracy of every network, and the published mean with its standard deviation.

    Parameters
    ----------
    networks
        Variant, and whether its last layer has a bias -> checkpoints of its runs.
    """
    rows = [
        {"variant": name, "final bias": "yes" if bias else "no", "test accuracy, %": value}
        for (name, bias), paths in networks.items()
        for value in test_accuracies(paths)
    ]
    figure = Figure(figsize=(6, 3.5))
    axes = figure.subplots()
    hues, order = ["yes", "no"], list(VARIANTS)
    sns.stripplot(
        pd.DataFrame(rows),
        x="test accuracy, %",
        y="variant",
        hue="final bias",
        hue_order=hues,
        order=order,
        dodge=True,
        ax=axes,
    )
    for name, theirs in published("learn_dm/accuracy-5000").iterrows():
        place = order.index(str(name)) + 0.4 * hues.index(theirs["final_bias"]) - 0.2
        axes.errorbar(
            theirs["test_acc_pct"], place, xerr=theirs["std_pct"], fmt="|", color="black", markersize=10, zorder=0
        )
    return figure


def _progress(networks: Networks) -> str:
    done = [f"{len(paths)} {name}{'' if bias else ' without a final bias'}" for (name, bias), paths in networks.items()]
    left = "" if all(networks.values()) else " The same command continues with the missing ones."
    return f"Finished networks: {', '.join(done)}.{left} {hardware()}"


def _setup(epochs: int) -> str:
    return (
        "784-128-10, PyTorch's default start, full-batch SGD with rate 0.001 and no momentum on raw 0..255 pixels "
        f"(*erratum*: the paper states normalised ones), {epochs:,} epochs. The paper has {RUNS} runs; ours stand in "
        "each row. `abs` and `relu` have a linear output, `abs2` and `relu2` an activation after it, `-neg` a change "
        "of sign after that."
    )

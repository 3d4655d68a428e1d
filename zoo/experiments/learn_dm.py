"""``python -m zoo reproduce learn-dm``: the tables of *Neural Networks Learn Distance Metrics* (arXiv 2502.02103)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from interp.types import Dataset
from zoo import checkpoints
from zoo.experiments.activity import clamp_at_half, inactive_shares
from zoo.experiments.cells import Cell, bare_cell, mean_cell
from zoo.experiments.full_batch import DISTANCES, EPOCHS, LONG, VARIANTS, full_batch
from zoo.experiments.options import ReproduceOptions, nothing_finished
from zoo.experiments.page import Page
from zoo.experiments.published import published
from zoo.recipes import Recipe

RUNS = 20
Networks = Mapping[tuple[str, bool], Sequence[Path]]  # variant and whether its last layer has a bias


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, measure, and write ``reports/learn-dm``."""
    data, runs, epochs = options.mnist(), options.runs or RUNS, options.epochs or EPOCHS
    page = Page(options.reports / "learn-dm", "Neural Networks Learn Distance Metrics: what we find")
    page.add(_setup(epochs))
    short = {key: _networks(recipe, runs, data, options) for key, recipe in short_recipes(epochs).items()}
    if not any(short.values()):
        raise nothing_finished(options.trained / "full-batch")
    page.add(_progress(short))
    add_accuracies(page, short, epochs)
    add_long(page, runs, data, options)
    add_activity(page, short, data)
    return page.write()


def short_recipes(epochs: int) -> dict[tuple[str, bool], Recipe]:
    """List the twelve trainings of the 5,000-epoch tables."""
    return {
        (name, bias): full_batch(name, final_bias=bias, epochs=epochs) for bias in (True, False) for name in VARIANTS
    }


def _networks(recipe: Recipe, runs: int, data: Dataset, options: ReproduceOptions) -> list[Path]:
    along = "final_bias" not in recipe.arguments and recipe.name in ("abs", "relu")  # use-DM's networks: they share
    return options.networks(recipe, runs, data, "full-batch", along=along)


def add_accuracies(page: Page, networks: Networks, epochs: int) -> None:
    """Report the test accuracies after 5,000 epochs."""
    page.section(
        f"Test accuracy after {epochs:,} epochs",
        '*Erratum.* The paper\'s table captioned "5,000 epochs" repeats the 50,000-epoch values; these are the '
        "5,000-epoch values from its running text and from the runs with biases.",
    )
    table = published("learn-dm-5000").set_index("final_bias", append=True)
    cells = [
        accuracy_cell("5,000 epochs", name, bias, table.loc[(name, "yes" if bias else "no")], paths)
        for (name, bias), paths in networks.items()
    ]
    page.compare(cells)
    page.figure("accuracies", accuracy_figure(networks), "Test accuracy of every network, with biases and without.")


def accuracy_cell(table: str, name: str, bias: bool | None, theirs: pd.Series, paths: Sequence[Path]) -> Cell:
    """Set one published accuracy beside ours; not judged where no network is finished."""
    label = f"{table} / test_acc / {name}" + {True: ", bias", False: ", no bias", None: ""}[bias]
    values = test_accuracies(paths)
    if not values:
        return bare_cell(label, theirs["test_acc_pct"], values, "no finished network")
    return mean_cell(label, theirs["test_acc_pct"], values, digits=2, their_runs=RUNS, their_spread=theirs["std_pct"])


def test_accuracies(paths: Sequence[Path]) -> list[float]:
    """Read the test accuracies of some checkpoints, in percent."""
    return [100 * checkpoints.load(path)["metrics"]["test_accuracy"] for path in paths]


def add_long(page: Page, runs: int, data: Dataset, options: ReproduceOptions) -> None:
    """Report the extended table of 50,000 epochs; left out where other epochs are asked for."""
    if options.epochs not in (None, LONG):
        return
    page.section(f"Test accuracy after {LONG:,} epochs")
    table, cells = published("learn-dm-50000"), []
    for name in (*VARIANTS, *DISTANCES):
        paths = options.networks(full_batch(name, epochs=LONG), runs, data, "full-batch-long")
        cells.append(accuracy_cell("50,000 epochs", name, None, table.loc[name], paths))
    page.compare(cells)


def add_activity(page: Page, networks: Networks, data: Dataset) -> None:
    """Report dead nodes and clamps, of the networks with biases."""
    page.section(
        "Dead and rarely active nodes",
        "Dead: |activation| <= 1e-6 on every training image; rarely active: above it on fewer than 1 % of them. Where "
        "the paper draws that line for output nodes is not said: those cells are shown and not judged.",
    )
    page.compare([cell for cell in _activity_cells(networks, data) if cell is not None])
    page.section(
        "Clamps",
        "The hidden layer's outputs are held above (min) or below (max) a percentage of the layer's range; the cell is "
        "the percentage, on a 1 % grid, at which training accuracy has fallen to half. The paper does not say whether "
        "the range is a node's or the layer's, nor of which layer: this is our reading.",
    )
    page.compare(list(_clamp_cells(networks, data)))


def _activity_cells(networks: Networks, data: Dataset) -> Iterator[Cell]:
    table = published("learn-dm-dead-nodes-5000").set_index("layer", append=True)
    for (name, layer), theirs in table.iterrows():
        shares = [inactive_shares(path, data, layer) for path in networks[name, True]]
        for row in ("dead_pct", "rarely_active_pct"):
            cell, values = f"inactive / {row} / {name} {layer}", [share[row] for share in shares]
            if pd.isna(theirs[row]):
                continue
            if not values or (layer == "output" and row == "rarely_active_pct"):
                yield bare_cell(
                    cell, theirs[row], values, "no finished network" if not values else "threshold not said"
                )
            else:
                yield mean_cell(cell, theirs[row], values, digits=1, their_runs=RUNS)


def _clamp_cells(networks: Networks, data: Dataset) -> Iterator[Cell]:
    for name, theirs in published("learn-dm-clamp50").iterrows():
        found = [clamp_at_half(path, data) for path in networks[str(name), True]]
        for side in ("min", "max"):
            cell, number = f"clamp / {side} / {name}", theirs[f"clamp_{side}_pct_at_half_accuracy"]
            values = [one[side] for one in found]
            if values:
                yield mean_cell(cell, number, values, digits=0, their_runs=RUNS, rule="read")
            else:
                yield bare_cell(cell, number, values, "no finished network")


def accuracy_figure(networks: Networks) -> Figure:
    """Draw the test accuracy of every network."""
    rows = [
        {"variant": name, "final bias": "yes" if bias else "no", "test accuracy, %": value}
        for (name, bias), paths in networks.items()
        for value in test_accuracies(paths)
    ]
    figure = Figure(figsize=(6, 3))
    axes = figure.subplots()
    sns.stripplot(pd.DataFrame(rows), x="test accuracy, %", y="variant", hue="final bias", ax=axes)
    return figure


def _progress(networks: Networks) -> str:
    done = sum(bool(paths) for paths in networks.values())
    left = "" if done == len(networks) else " The same command continues with the missing ones."
    return f"{done} of these {len(networks)} trainings have a finished network.{left}"


def _setup(epochs: int) -> str:
    return (
        "784-128-10, PyTorch's default start, full-batch SGD with rate 0.001 and no momentum on raw 0..255 pixels "
        f"(*erratum*: the paper states normalised ones), {epochs:,} epochs. The paper has {RUNS} runs; ours stand in "
        "each row. `abs` and `relu` have a linear output, `abs2` and `relu2` an activation after it, `-neg` a change "
        "of sign after that."
    )

"""``python -m zoo reproduce as-nn``: tables 2, 3 and 5 of *Neural Networks as Nearest Neighbors* (2024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from interp.types import Array, Dataset
from zoo.papers.as_nn import experiment1, experiment2, single_nodes
from zoo.papers.as_nn.ensembles import ensemble_errors, per_model, test_logits
from zoo.papers.as_nn.open_questions import add_batch_norm, add_prototypes
from zoo.papers.lenet import lenet
from zoo.papers.options import ReproduceOptions, nothing_finished
from zoo.papers.report import Cell, Page, bare_cell, count_cell, extreme_cell, mean_cell, published, tally
from zoo.training import scaled

REPETITIONS = single_nodes.REPETITIONS
DIGITS = {"test_error": 4, "avg_error_count": 1}


OUTLIERS = (
    "Cells that are not reproduced, and the likely cause: now and then an Abs network ends about a percent below the "
    "others, in the paper as here (its least accuracy among the `abs` runs is 0.9554). One such run decides "
    "`accuracy_min` and adds its own errors to `unique`, whose binomial interval knows the images but not the runs. "
    "`consistent`, `voting` and `l2` hardly feel a single run."
)


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, measure, and write ``reports/as-nn``.

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
    data, runs = options.mnist(), options.runs or experiment2.RUNS
    page = Page(options.reports / "as-nn", "Neural Networks as Nearest Neighbors: what we find")
    add_single_nodes(page)
    paths = {name: _networks(name, data, runs, options) for name in experiment2.CONDITIONS}
    add_networks(page, paths, data, options.epochs or experiment2.EPOCHS)
    add_prototypes(page, paths, data)
    add_batch_norm(page, data, options)
    lenet.add_to_paper(page, data, options)
    return page.write()


def add_single_nodes(page: Page) -> None:
    """Report experiment 1 (tables 2 and 3).

    Parameters
    ----------
    page
        Report that gets the section.
    """
    found = single_nodes.run_all(experiment1.MODELS, experiment1.EPOCHS)
    page.section(
        "Experiment 1: single nodes learn a Mahalanobis distance (tables 2 and 3)",
        f"The paper has one data set of {experiment1.POINTS} points and {experiment1.MODELS} models a condition. "
        "A fresh draw of data and models moves its cells by more than the models alone do, so all of it is repeated "
        f"{REPETITIONS} times ({4 * experiment1.MODELS * REPETITIONS:,} models in all): a mean is judged by its "
        "spread over repetitions, a count by the pooled share.",
        "*Erratum.* The class split of table 2's ReLU column does not follow from the author's saved parameters by "
        "the paper's own rules, which give 86 coherent, 157 adhoc and 57 dead instead of 4, 214 and 82. Those five "
        "cells are shown and not judged.",
    )
    page.compare([_underivable(cell) for cell in single_nodes.cells(found)])
    first = single_nodes.first_of(found)
    right, judged = tally([_underivable(cell) for cell in single_nodes.cells(first)])
    page.add(
        "The repetitions, and the count rule in its present form (a binomial around our pooled share), were chosen "
        "after a look at the first repetition; the rules of table 5 came before its numbers. By itself, with the "
        f"spread over its models, the first repetition reproduces {right} of {judged} cells:"
    )
    page.table(single_nodes.summary(first), 3)
    caption = "Distance of the trained boundaries from the data's mean; left of the line they count as coherent."
    page.figure("boundaries", single_nodes.distance_figure(found), caption)


def _underivable(cell: Cell) -> Cell:
    if cell.cell.startswith("table 2") and cell.cell.endswith("relu") and "/ error /" not in cell.cell:
        why = "does not follow from the saved parameters"
        return Cell(cell.cell, cell.published, cell.ours, cell.spread, cell.runs, why=why)
    return cell


def _networks(condition: str, data: Dataset, runs: int, options: ReproduceOptions) -> list[Path]:
    recipe = experiment2.recipe(condition, options.epochs or experiment2.EPOCHS)
    paths = options.networks(recipe, runs, data, "experiment2")
    if not paths:
        raise nothing_finished(options.trained / "experiment2")
    return paths


def add_networks(page: Page, paths: Mapping[str, Sequence[Path]], data: Dataset, epochs: int) -> None:
    """Report experiment 2 (table 5).

    Parameters
    ----------
    page
        Report that gets the section.
    paths
        Condition of the table -> checkpoints of its networks.
    data
        Data set MNIST.
    epochs
        Number of epochs that the networks were trained for.
    """
    page.section(
        "Experiment 2: MNIST networks with negated outputs (table 5)",
        f"784-128-10, activation after both layers, logits negated; {min(map(len, paths.values()))} networks a "
        f"condition, {epochs} epochs. `unique`, `consistent` and `voting` count test images wrong in at least one, in "
        "all, and in at least half of the networks; `l2` sums the squared outputs over the networks and takes the "
        "class with the smallest.",
    )
    accuracies = {}
    for condition, those in paths.items():
        x, y = scaled(data, experiment2.recipe(condition))["test"]
        scores = test_logits(those, x)
        alone = per_model(scores, y)
        accuracies[condition] = alone["accuracy"]
        page.compare(table5_cells(condition, alone, ensemble_errors(scores, y), len(y)))
    page.add(OUTLIERS)
    page.figure("accuracies", _accuracy_figure(accuracies), "Test accuracy of every network.")


def table5_cells(condition: str, alone: dict[str, Array], together: dict[str, int], images: int) -> list[Cell]:
    """Set one column of table 5 beside ours.

    Parameters
    ----------
    condition
        Column of the table.
    alone
        Measurements of each network alone, from `per_model`.
    together
        Errors of the networks together, from `ensemble_errors`; judged with ten networks only, since they depend on
        that number.
    images
        Number of test images.

    Returns
    -------
    list of Cell
        Cells of the column, from the top.
    """
    theirs = published("as_nn/table5")[condition]
    accuracy, name = alone["accuracy"], f"table 5 / {{}} / {condition}"
    means = {"accuracy_avg": accuracy, "avg_error_count": alone["error_count"]}
    means |= {row: alone[row] for row in ("precision", "recall", "f1", "test_error")}
    made = [
        mean_cell(name.format(row), theirs[row], list(values), digits=DIGITS.get(row, 4), their_runs=experiment2.RUNS)
        for row, values in means.items()
    ]
    for row, largest in (("accuracy_min", False), ("accuracy_max", True)):
        made.append(extreme_cell(name.format(row), theirs[row], list(accuracy), largest=largest, digits=4))
    for row, count in together.items():
        if len(accuracy) == experiment2.RUNS:
            made.append(count_cell(name.format(row), theirs[row], count, images, runs=len(accuracy)))
        else:
            made.append(bare_cell(name.format(row), theirs[row], [count], "needs ten networks", runs=len(accuracy)))
    return made


def _accuracy_figure(accuracies: dict[str, Array]) -> Figure:
    figure = Figure(figsize=(6, 3))
    axes = figure.subplots()
    tall = pd.concat(
        [pd.DataFrame({"condition": name, "test accuracy": values}) for name, values in accuracies.items()],
        ignore_index=True,
    )
    sns.stripplot(tall, x="test accuracy", y="condition", ax=axes)
    return figure

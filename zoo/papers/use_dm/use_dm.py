"""``python -m zoo reproduce use-dm``: the tables of *Neural Networks Use Distance Metrics* (arXiv 2411.17932)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from interp.interventions import PUBLISHED
from zoo import checkpoints
from zoo.papers.options import ReproduceOptions, nothing_finished
from zoo.papers.report import FEWEST_TESTED, Cell, Page, bare_cell, decision_cell, hardware, mean_cell, published
from zoo.papers.trainings import EPOCHS, full_batch
from zoo.papers.use_dm.adversarial import add_adversarial
from zoo.papers.use_dm.along import add_along_training
from zoo.papers.use_dm.follow_ups import add_activations, perturbation_curves
from zoo.papers.use_dm.sweeps import accuracies, paired_tests, sweep_all

NETWORKS = ("abs", "relu")
RUNS = 20
BASELINE = {
    "train_acc": ("train_accuracy", 100, 2),
    "test_acc": ("test_accuracy", 100, 2),
    "loss": ("train_loss", 1, 4),
}


FEW_RUNS = (
    "*Few runs.* The standard deviation of two runs is itself uncertain by most of its size, so that a cell can fail "
    "only because our runs happen to agree; one run is judged only where the paper prints its own. Four runs or more "
    "are needed before a cell that fails says anything. The same command continues with the missing ones."
)


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, perturb, and write ``reports/use-dm``.

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
    data, epochs, runs = options.mnist(), options.epochs or EPOCHS, options.runs or RUNS
    page = Page(options.reports / "use-dm", "Neural Networks Use Distance Metrics: what we find")
    paths = {
        name: options.networks(full_batch(name, epochs=epochs), runs, data, "full-batch", along=True)
        for name in NETWORKS
    }
    if not all(paths.values()):
        raise nothing_finished(options.trained / "full-batch")
    page.add(f"{_setup(', '.join(f'{len(those)} of {name}' for name, those in paths.items()), epochs)} {hardware()}")
    if min(map(len, paths.values())) < FEWEST_TESTED:
        page.add(FEW_RUNS)
    page.section("Baseline")
    page.compare([cell for name in NETWORKS for cell in baseline_cells(name, paths[name])])
    swept = {name: sweep_all(paths[name], data) for name in NETWORKS}
    page.figure(
        "perturbations", perturbation_curves(swept), "Training accuracy against level; mean and range over runs."
    )
    for kind in PUBLISHED:
        add_table(page, kind, swept)
    add_along_training(page, paths, data, epochs, options)
    add_activations(page, data, options)
    add_adversarial(page, data, options)
    return page.write()


def baseline_cells(name: str, paths: Sequence[Path]) -> list[Cell]:
    """Set one row of the baseline table beside ours.

    Parameters
    ----------
    name
        Name of the network, ``abs`` or ``relu``.
    paths
        Checkpoints of its runs.
    """
    theirs = published("use_dm/baseline").loc[name]
    reached = [checkpoints.load(path)["metrics"] for path in paths]
    made = []
    for column, (metric, unit, digits) in BASELINE.items():
        suffix = "_pct" if unit == 100 else ""
        values = [unit * one[metric] for one in reached]
        spread = theirs[f"{column}_std"]
        number = theirs[f"{column}{suffix}"]
        made.append(
            mean_cell(
                f"baseline / {column} / {name}", number, values, digits=digits, their_runs=RUNS, their_spread=spread
            )
        )
    return made


def add_table(page: Page, kind: str, swept: dict[str, pd.DataFrame]) -> None:
    """Report one perturbation: accuracies judged, and both readings of the t columns.

    Parameters
    ----------
    page
        Report that gets the section.
    kind
        Intervention: ``scale``, ``clip`` or ``offset``.
    swept
        Network -> accuracies at all levels, from `sweep_all`.
    """
    theirs = published(f"use_dm/{kind}")
    page.section(f"Perturbation: {kind}")
    page.compare([cell for name in NETWORKS for cell in accuracy_cells(kind, name, swept[name])])
    tests = [cell for name in NETWORKS for cell in test_cells(kind, name, swept[name])]
    if all(cell.runs < FEWEST_TESTED for cell in tests):
        page.cells.extend(tests)
        page.add("Too few runs for the paired tests; the published t and p stand in `cells.csv`.")
        return
    page.add(
        "Paired t-tests over runs: correctly against the unperturbed model, and as published against element 50 of the "
        "sweep. The published t is beside the latter; with fewer runs than twenty |t| is smaller for the same effect."
    )
    page.compare(tests)
    rows = {
        (name, level): {**paired_tests(swept[name], kind, level), "published t": theirs.loc[level, f"{name}_t"]}
        for name in NETWORKS
        for level in PUBLISHED[kind]
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.Index([f"{name}, {level:g}" for name, level in rows], name=kind)
    page.table(table, 3)


def accuracy_cells(kind: str, name: str, swept: pd.DataFrame) -> list[Cell]:
    """Set one accuracy column of a perturbation's table beside ours.

    Parameters
    ----------
    kind
        Intervention: ``scale``, ``clip`` or ``offset``.
    name
        Name of the network, ``abs`` or ``relu``.
    swept
        Accuracies of its runs at all levels, from `sweep_all`.
    """
    theirs = published(f"use_dm/{kind}")[f"{name}_acc_pct"]
    return [
        mean_cell(
            f"{kind} {level:g} / acc_pct / {name}",
            theirs[level],
            list(accuracies(swept, kind, level)),
            digits=2,
            their_runs=RUNS,
        )
        for level in PUBLISHED[kind]
    ]


def test_cells(kind: str, name: str, swept: pd.DataFrame) -> list[Cell]:
    """Set the published t and p beside ours, both against element 50.

    Parameters
    ----------
    kind
        Intervention: ``scale``, ``clip`` or ``offset``.
    name
        Name of the network, ``abs`` or ``relu``.
    swept
        Accuracies of its runs at all levels, from `sweep_all`.
    """
    theirs, made = published(f"use_dm/{kind}"), []
    for level in PUBLISHED[kind]:
        found, runs = paired_tests(swept, kind, level), swept["run"].nunique()
        t, p = found["t (element 50)"], found["p (element 50)"]
        published_t, published_p = theirs.loc[level, f"{name}_t"], theirs.loc[level, f"{name}_p"]
        made.append(decision_cell(f"{kind} {level:g} / t / {name}", (published_t, published_p), (t, p), runs, RUNS))
        made.append(bare_cell(f"{kind} {level:g} / p / {name}", published_p, [p], "judged with its t", runs=runs))
    return made


def _setup(runs: str, epochs: int) -> str:
    return (
        f"784-128-10 with biases, PyTorch's default start, full-batch SGD with rate 0.001 and no momentum, {epochs:,} "
        f"epochs; runs: {runs} (the paper: {EPOCHS:,} epochs, {RUNS} runs of each). *Erratum.* The paper states "
        "normalised inputs; its figures come from raw 0..255 pixels, as here. Perturbations act on the hidden layer's "
        "pre-activation, levels are fractions of each node's own output range over the training set, and accuracy is "
        "on the training set. The printed scale of the offset, s = (1 - p) r, is a typo: s = (max - p range) / max."
    )

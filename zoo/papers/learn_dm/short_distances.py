"""OffsetL2 of learn-DM, trained for as long as a CPU could: a small part of the paper's 50,000 epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from interp.types import Dataset
from zoo import checkpoints
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page, published
from zoo.papers.trainings import DISTANCES, LONG, full_batch
from zoo.training import snapshot_path

EPOCHS, RUNS = 1000, 1
UNFINISHED = (
    f"No OffsetL2 network is finished. On a CPU the same command without `--finished` trains {EPOCHS:,} of the paper's "
    f"{LONG:,} epochs of each; that is a beginning, and will not be judged against the published values."
)


def add_short_distances(page: Page, data: Dataset, options: ReproduceOptions) -> None:
    """Report the OffsetL2 networks after few epochs, not judged, beside linear outputs after as many.

    Parameters
    ----------
    page
        Report that gets the section.
    data
        Data set MNIST.
    options
        Size of the reproduction, and its folders.
    """
    epochs = min(options.epochs or EPOCHS, EPOCHS)
    folder = options.training("full-batch").out
    paths: dict[str, Sequence[Path]] = {
        name: options.networks(full_batch(name, epochs=epochs), RUNS, data, "full-batch") for name in DISTANCES
    }
    if not any(paths.values()):
        page.section("OffsetL2", UNFINISHED)
        return
    beside = {name: _snapshots(name, epochs, folder) for name in ("abs", "relu")}
    page.section(
        f"OffsetL2 after {epochs:,} epochs",
        f"The paper trains these for {LONG:,} epochs. Ours have {epochs:,} of them ({epochs / LONG:.1%}), {RUNS} run "
        "each, which is what a CPU could do: they say how fast OffsetL2 begins, and are not judged against the "
        "published values. Beside them, networks with a linear output after as many epochs of the same training.",
    )
    table = short_table({**paths, **beside})
    page.table(table, 4)
    page.add(sentence(table))


def _snapshots(name: str, epochs: int, folder: Path) -> list[Path]:
    recipe = full_batch(name)
    found = [snapshot_path(folder, recipe, seed, epochs) for seed in range(20)]
    return [path for path in found if path.exists()]


def short_table(paths: Mapping[str, Sequence[Path]]) -> pd.DataFrame:
    """Tabulate accuracies in percent and the loss, means over runs, with the published value after 50,000 epochs.

    Parameters
    ----------
    paths
        Network -> checkpoints of its runs.
    """
    theirs, rows = published("learn_dm/accuracy-50000")["test_acc_pct"], {}
    for name, those in paths.items():
        if those:
            reached = pd.DataFrame([checkpoints.load(path)["metrics"] for path in those]).mean()
            rows[name] = {
                "runs": len(those),
                "train accuracy": 100 * reached["train_accuracy"],
                "train loss": reached["train_loss"],
                "test accuracy": 100 * reached["test_accuracy"],
                f"published, {LONG:,} epochs": float(theirs[name]),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def sentence(table: pd.DataFrame) -> str:
    """Say where the OffsetL2 networks stand beside linear outputs.

    Parameters
    ----------
    table
        Table from `short_table`.
    """
    if not {*DISTANCES, "abs", "relu"} <= set(table.index):
        return "Not all of these networks are finished; the same command continues with the missing ones."
    accuracy = table["test accuracy"]
    behind = [
        f"{name} {accuracy[name] - accuracy[name.split('-')[0]]:+.2f} points against {name.split('-')[0]}"
        for name in DISTANCES
    ]
    return f"Test accuracy at this point: {', '.join(behind)}."

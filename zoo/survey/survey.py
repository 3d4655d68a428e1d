"""``python -m zoo reproduce reading``: what the layers of many trained networks are read as."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from torch import Tensor

from interp.data import load_dataset
from interp.errors import InterpError
from interp.types import Dataset
from zoo.papers.options import ReproduceOptions
from zoo.papers.report.page import Page
from zoo.survey import tables
from zoo.survey.networks import DEPTHS, SEEDS, Condition, conditions
from zoo.survey.reading import SAMPLES
from zoo.survey.store import rows_of_all
from zoo.training.evaluate import scaled
from zoo.training.snapshots import snapshot_epochs, snapshot_path

FOLDER = "reading"
ALONG = [Condition("digits", activation, 2) for activation in ("relu", "abs", "tanh")]
"""Conditions whose networks are saved along their training."""


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing, read it, and write ``reports/reading``."""
    data, missing = data_sets(options)
    finished = dict(sorted(networks(options, data), key=seed_of))
    rows = rows_of_all(finished, options.trained / FOLDER / "rows.jsonl")
    along = rows_of_all(dict(snapshots(options, data["digits"])), options.trained / FOLDER / "along.jsonl")
    return write(Page(options.reports / FOLDER, "What trained networks read: a survey"), rows, along, missing)


def data_sets(options: ReproduceOptions) -> tuple[dict[str, Dataset], list[str]]:
    """Open the survey's data sets; also name those that are not there."""
    opened, missing = {}, []
    for name in DEPTHS:
        try:
            opened[name] = load_dataset(spelled(name, options), options.data)
        except InterpError:
            missing.append(name)
    return opened, missing


def spelled(name: str, options: ReproduceOptions) -> str:
    """Say under which name or path a data set opens: those that nobody hosts are files in the folder of data sets."""
    folder = options.data.root or os.environ.get("INTERP_DATA")
    file = Path(folder or ".") / f"{name}.npz"
    return str(file) if file.is_file() else name


def networks(options: ReproduceOptions, data: Mapping[str, Dataset]) -> Iterator[tuple[Path, Tensor]]:
    """Give every finished network of the survey with the inputs to read it on."""
    for condition in conditions():
        if condition.data in data:
            recipe, opened = condition.recipe(spelled(condition.data, options)), data[condition.data]
            inputs = scaled(opened, recipe)["test"][0][:SAMPLES].clone()
            paths = options.networks(recipe, options.runs or SEEDS, opened, FOLDER, along=condition in ALONG)
            yield from ((path, inputs) for path in paths)


def snapshots(options: ReproduceOptions, digits: Dataset) -> Iterator[tuple[Path, Tensor]]:
    """Give the networks as they were along their training, and as they ended."""
    folder = options.trained / FOLDER
    for condition in ALONG:
        recipe = condition.recipe()
        inputs = scaled(digits, recipe)["test"][0][:SAMPLES].clone()
        for path in options.networks(recipe, options.runs or SEEDS, digits, FOLDER, along=True):
            seed = int(path.stem.rsplit("-", 1)[1])
            yield from ((snapshot_path(folder, recipe, seed, epoch), inputs) for epoch in snapshot_epochs(recipe))
            yield path, inputs


def seed_of(network: tuple[Path, Tensor]) -> int:
    """Give the seed in the name of a checkpoint: one network of every condition is read before the next ones."""
    return int(network[0].stem.rsplit("-", 1)[1])


def write(page: Page, rows: pd.DataFrame, along: pd.DataFrame, missing: list[str]) -> Path:
    """Fill the page."""
    fine = rows[tables.decides(rows)]
    page.add(*introduction(rows, fine, missing))
    page.section("First and last hidden layers", COMPARED)
    page.table(tables.ends_compared(fine), 2)
    page.table(tables.calls_by_place(fine).rename_axis(["activation", "place"]), 3)
    page.figure("balances", figure(fine), "Balance S less the middle of the copies; a point a network and layer.")
    page.section("Is it the rare state that is read?", RARITY)
    page.table(tables.rarity(fine), 2)
    page.section("Trained or not: two levels a node", LEVELS)
    page.table(tables.trained_or_not(fine), 3)
    page.section("Along training", ALONG_TRAINING)
    page.table(tables.along_training(along), 2)
    page.section("Every condition", EVERY)
    page.table(tables.by_condition(fine), 2)
    return page.write()


def introduction(rows: pd.DataFrame, fine: pd.DataFrame, missing: list[str]) -> list[str]:
    """Say what was trained, what was left out, and why."""
    keys = ["data", "activation", "depth", "seed"]
    weak = rows[~tables.decides(rows)].groupby(keys[:3], sort=False)["seed"].nunique()
    left_out = ", ".join(
        f"{activation} of depth {depth} on {data}: {n}" for (data, activation, depth), n in weak.items()
    )
    paragraphs = [
        f"{len(fine[keys].drop_duplicates())} perceptrons, {SEEDS} seeds a condition, each read on {SAMPLES} test "
        "samples that chose nothing, beside shuffled and freshly initialised copies of itself. S is above zero where "
        "the decision hangs on small outputs (distances), below where it hangs on large ones (intensities); "
        "`benchmarks/planted.py` measures how often the rule is right where the truth is known."
    ]
    if left_out:
        paragraphs.append(f"Left out, because they decide less than half way from chance to perfect: {left_out}.")
    if missing:
        paragraphs.append(f"Not to be had on this machine, and so not in the tables: {', '.join(missing)}.")
    return paragraphs


COMPARED = (
    "Mean of S less the middle of its copies, in networks of two and more hidden layers. A test's unit is a condition "
    "(data set and depth, mean of its seeds); p-values are two-sided and not corrected for the number of activations."
)
RARITY = (
    "Spearman's correlation, over layers of all conditions, of S less its copies' middle with the mean skewness of "
    "the nodes' outputs and with the share of outputs above halfway between a node's extremes. If whatever state is "
    "rare is what is read, S falls with skewness and rises with that share."
)
LEVELS = (
    "Share of predictions kept when every node of a layer is cut once, at the best quantile, and takes its "
    "conditional mean on either side: trained networks, shuffled copies, fresh initialisations; `above_both` is the "
    "share of layers that keep more than the mean of either kind."
)
ALONG_TRAINING = "Digits, two hidden layers; `two_levels_keep` as above; the counts are of seeds."
EVERY = "`copies_low` and `copies_high`: central 95 % of the shuffled copies, mean over seeds."


def figure(rows: pd.DataFrame) -> Figure:
    """Draw the balances by activation and place among the hidden layers."""
    shown = rows.assign(beyond=tables.beyond_copies(rows), place=rows["layer"] / rows["depth"])
    drawn = Figure(figsize=(9, 3.2))
    axes = drawn.subplots()
    sns.stripplot(shown, x="activation", y="beyond", hue="place", dodge=True, size=3, palette="viridis", ax=axes)
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_ylabel("S - middle of copies")
    axes.legend(title="layer / depth", fontsize="x-small", ncols=2)
    return drawn

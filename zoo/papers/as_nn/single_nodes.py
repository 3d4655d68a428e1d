"""Experiment 1's part of the as-NN report: many repetitions of 4 x 300 single nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.figure import Figure

from interp.types import Array
from zoo.papers.as_nn import experiment1 as e1
from zoo.papers.report import Cell, count_cell, mean_cell, published

TABLES = {"table 2": ("as_nn/table2", False), "table 3": ("as_nn/table3", True)}
KINDS = ("coherent", "adhoc", "dead")
REPETITIONS = 20
ERROR_ROWS: dict[str, str | None] = {"error": None, "coherent_error": "coherent", "adhoc_error": "adhoc"}
Key = tuple[str, str]  # table and activation


@dataclass(frozen=True)
class Condition:
    """Trained nodes of one condition of tables 2 or 3, over R repetitions of M models.

    Attributes
    ----------
    kind
        Kind of each boundary, (R, M).
    error
        Final mean squared error of each node, (R, M).
    distance
        Distance |W mu + b| of each boundary from the data's mean, in sigma, (R, M).
    """

    kind: Array
    error: Array
    distance: Array

    def count(self, kind: str) -> int:
        """Count the nodes of a kind, over all repetitions."""
        return int((self.kind == kind).sum())

    def errors(self, kind: str | None = None) -> list[float]:
        """Average the error of each repetition, without those that have no such node.

        Parameters
        ----------
        kind
            Kind of the nodes; None for all of them.

        Returns
        -------
        list of float
            Mean squared errors, at most R.
        """
        chosen = np.where(self.kind == kind, self.error, np.nan) if kind else self.error
        return [float(np.nanmean(row)) for row in chosen if np.isfinite(row).any()]


def run_condition(activation: str, sampled: bool, models: int, epochs: int, repetitions: int) -> Condition:
    """Train one condition again and again, each time on data of its own; the first is the default data.

    Parameters
    ----------
    activation
        Activation of the nodes, ``relu`` or ``abs``.
    sampled
        Whether boundaries pass through one of the points at first; else through a point of a box.
    models
        Number of nodes a repetition.
    epochs
        Number of epochs.
    repetitions
        Number of repetitions.
    """
    rows = [_repetition(activation, sampled, models, epochs, index) for index in range(repetitions)]
    kind, error, distance = (np.stack(column) for column in zip(*rows, strict=True))
    return Condition(kind, error, distance)


def _repetition(activation: str, sampled: bool, models: int, epochs: int, index: int) -> tuple[Array, Array, Array]:
    x, target = e1.points(e1.SEED + index)
    weight, bias = e1.initial(range(index * models, (index + 1) * models), x, activation, sampled)
    nodes = e1.fit(weight, bias, x, target, activation, epochs)
    distance = (nodes.weight @ torch.tensor(e1.MEAN) + nodes.bias).abs()
    return e1.kinds(nodes, activation), nodes.error.numpy(), distance.numpy()


def run_all(models: int, epochs: int, repetitions: int = REPETITIONS) -> dict[Key, Condition]:
    """Train every condition of tables 2 and 3.

    Parameters
    ----------
    models
        Number of nodes a repetition.
    epochs
        Number of epochs.
    repetitions
        Number of repetitions.

    Returns
    -------
    dict
        Table and activation -> trained nodes.
    """
    return {
        (table, activation): run_condition(activation, sampled, models, epochs, repetitions)
        for table, (_, sampled) in TABLES.items()
        for activation in ("relu", "abs")
    }


def cells(found: dict[Key, Condition]) -> list[Cell]:
    """Set every cell of tables 2 and 3 beside ours.

    Parameters
    ----------
    found
        Table and activation -> trained nodes.
    """
    return [cell for (table, activation), one in found.items() for cell in _cells_of(table, activation, one)]


def _cells_of(table: str, activation: str, found: Condition) -> list[Cell]:
    theirs = published(TABLES[table][0])[activation]
    made = []
    for row, kind in ERROR_ROWS.items():
        values, their_runs = found.errors(kind), 1
        if len(found.kind) == 1:  # a single repetition: the spread is that over its models
            values = list(found.error[0][(found.kind[0] == kind) | (kind is None)])
            their_runs = int(theirs[f"{kind}_count"]) if kind else e1.MODELS
        made.append(mean_cell(f"{table} / {row} / {activation}", theirs[row], values, digits=3, their_runs=their_runs))
    for kind in KINDS:
        name, total = f"{table} / {kind}_count / {activation}", found.kind.size
        ours, runs = found.count(kind), len(found.kind)
        made.append(count_cell(name, theirs[f"{kind}_count"], ours, total, their_of=e1.MODELS, runs=runs))
    return made


def first_of(found: dict[Key, Condition]) -> dict[Key, Condition]:
    """Keep the first repetition only.

    Parameters
    ----------
    found
        Table and activation -> trained nodes.
    """
    return {key: Condition(one.kind[:1], one.error[:1], one.distance[:1]) for key, one in found.items()}


def summary(found: dict[Key, Condition]) -> pd.DataFrame:
    """Tabulate mean errors and counts, over all repetitions that are there.

    Parameters
    ----------
    found
        Table and activation -> trained nodes.

    Returns
    -------
    DataFrame
        Rows of the paper's tables; a column for each table and activation.
    """
    rows = {}
    for (table, activation), one in found.items():
        facts: dict[str, float] = {
            row: float(np.mean(one.errors(kind) or [np.nan])) for row, kind in ERROR_ROWS.items()
        }
        facts |= {f"{kind}_count": one.count(kind) for kind in KINDS}
        rows[f"{table}, {activation}"] = facts
    return pd.DataFrame(rows).rename_axis("cell")


def distance_figure(found: dict[Key, Condition]) -> Figure:
    """Draw how far the trained boundaries lie from the data's mean, a panel a condition.

    Parameters
    ----------
    found
        Table and activation -> trained nodes.
    """
    frames = [
        pd.DataFrame({"|W mu + b|, in sigma": one.distance.ravel(), "condition": f"{table}, {activation}"})
        for (table, activation), one in found.items()
    ]
    grid = sns.displot(
        pd.concat(frames, ignore_index=True),
        x="|W mu + b|, in sigma",
        col="condition",
        col_wrap=2,
        binwidth=0.1,
        height=2.2,
        aspect=1.8,
    )
    grid.refline(x=e1.COHERENT)
    grid.set(xlim=(0, 4), xticks=range(5))
    figure: Figure = grid.figure
    return figure

"""Single nodes whose ablation changes the score most."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interp.report.sections.interventions.clamps import clamp_figures
from interp.report.sections.interventions.class_falls import class_name
from interp.report.selection.lookup import shown_split
from interp.report.tables import cells
from interp.report.tables.measures import change_cell, paired_test, score_cell, unit_of_change
from interp.report.tables.numbers import MISSING, percent
from interp.tasks import Score, find_task
from interp.types import Dataset, Effects, Results, Section, Table

MOST = 25  # nodes shown of each layer
SIDES = (
    " Of the unperturbed network: the share of samples whose output lies above the equilibrium, accuracy above and "
    "below it, and the classes that lie above most often."
)
REPLACED = {"zero-ablation": "0", "mean-ablation": "its mean"}


def section(results: Results) -> Section:
    """Show the nodes whose ablation changes the score most.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    table = results.effects.single_nodes
    if table.empty:
        return Section("Single nodes", ("No single node was ablated.",))
    name = find_task(results.model.task).score
    split, ways = shown_split(table), [str(way) for way in dict.fromkeys(table["intervention"])]
    text = (
        f"Each node's output is replaced by {' or by '.join(map(_words, ways))}, one at a time, and {_where(split)} "
        "run again: intervals and q are of these samples. Beside them stands the change on the training samples, not "
        "tested: a network that knows its samples by heart needs every node for them, on fresh samples perhaps none. "
        "Each layer's nodes that cost most on the training samples come first; a click on a heading sorts by it.",
        f"q is the p-value of {paired_test(name)} after Benjamini-Hochberg correction over the layer's nodes and ways: "
        "below 0.05, the change is unlikely to be luck. On many samples even a tiny change has a small q: look at its "
        "size.",
        "A node without effect is not useless: others may carry the same information.",
    )
    rows = _rows(results.effects, ways, results)
    unit = unit_of_change(name, name.words)
    caption = f"The {MOST} most sensitive nodes of each layer; all are in report.json. Change is {unit}."
    found = Table(pd.DataFrame(rows, dtype=object), caption, sortable=True)
    clamps = clamp_figures(results.effects, name)
    return Section("Single nodes", text, clamps, (found, *_levels(results, name)))


def _levels(results: Results, name: Score) -> tuple[Table, ...]:
    """List the nodes whose clamps cost most, with what is read off their curves."""
    effects = results.effects
    if effects.node_levels.empty:
        return ()
    ordered = _by_layer(effects.node_levels, "lowest")
    rows = [
        {
            "node": cells.Node(str(row["layer"]), int(row["node"])),
            f"lowest {name.words}": score_cell(name, row["lowest"]),
            "equilibrium": cells.fixed(row["equilibrium"], 2),
            "half, raised to": cells.fixed(row["half_min"], 2),
            "half, cut at": cells.fixed(row["half_max"], 2),
            **(_sides(row, results) if len(effects.balance) else {}),
        }
        for row in ordered.to_dict(orient="records")
    ]
    caption = (
        f"Clamps of single nodes, the {MOST} that cost most of each layer. Equilibrium is the level where raising low "
        "outputs and cutting high ones cost the same; half is where the score has fallen to half. Levels are fractions "
        f"of the node's own output range; a dash: no such level.{SIDES if len(effects.balance) else ''}"
    )
    return (Table(pd.DataFrame(rows, dtype=object), caption, sortable=True),)


def _sides(row: dict[Any, Any], results: Results) -> dict[str, Any]:
    """Show what lies above and below a node's equilibrium, which takes classes."""
    return {
        "above": cells.share(row.get("above"), places=0),
        "right above": cells.share(row.get("accuracy_above")),
        "right below": cells.share(row.get("accuracy_below")),
        "classes above": _above(results.effects, str(row["layer"]), int(row["node"]), results.data),
    }


def _above(effects: Effects, layer: str, node: int, data: Dataset, most: int = 3) -> str:
    """Name the classes that lie above a node's equilibrium most often, with their shares."""
    table = effects.balance
    rows = table[(table["layer"] == layer) & (table["node"] == node) & (table["above"] >= 0.5)]
    rows = rows.sort_values("above", ascending=False, kind="stable").head(most)
    shares = zip(rows["class"], rows["above"], strict=True)
    names = [f"{class_name(data, label)} ({percent(share, 0)})" for label, share in shares]
    return ", ".join(names) or MISSING


def _words(way: str) -> str:
    return REPLACED.get(way, way)


def _where(split: str) -> str:
    """Name the samples that test nodes."""
    if split == "test":
        return "the test split is"
    return f"a half of the training split that was drawn at random is ({split}; the network was trained on it too)"


def _rows(effects: Effects, ways: list[str], results: Results) -> list[dict[str, Any]]:
    """Give a row for each of the nodes that cost most in training, with what every way of replacing it does."""
    tested, trained = (_by_node(part) for part in (effects.tested_nodes, effects.training_nodes))
    by = effects.training_nodes if len(effects.training_nodes) else effects.tested_nodes
    chosen = _by_layer(by[by["intervention"] == ways[0]], "difference")
    return [
        _row(
            layer,
            int(node),
            {way: (tested.get((layer, node, way), {}), trained.get((layer, node, way), {})) for way in ways},
            results,
        )
        for layer, node in zip(chosen["layer"], chosen["node"], strict=True)
    ]


def _by_node(table: pd.DataFrame) -> dict[Any, dict[Any, Any]]:
    """Give the rows of a table by layer, node and intervention."""
    return {(row["layer"], row["node"], row["intervention"]): row for row in table.to_dict(orient="records")}


def _by_layer(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Give the first nodes of each layer when sorted by a column, layers in network order."""
    parts = [part.sort_values(column, kind="stable").head(MOST) for _, part in table.groupby("layer", sort=False)]
    return pd.concat(parts)


def _row(layer: str, node: int, found: dict[str, Any], results: Results) -> dict[str, Any]:
    row = {"node": cells.Node(layer, node), **_boundary(results, layer, node)}
    score = find_task(results.model.task).score
    for way, (effect, trained) in found.items():
        ends = effect.get("difference_low"), effect.get("difference_high")
        row[f"change by {_words(way)}"] = change_cell(score, effect.get("difference"), *ends)
        row["q" if "q" not in row else f"q by {_words(way)}"] = cells.probability(effect.get("q_value"))
        if trained:
            row[f"training, by {_words(way)}"] = change_cell(score, trained.get("difference"))
    return row


def _boundary(results: Results, layer: str, node: int) -> dict[str, Any]:
    found = results.boundaries.get(layer)
    kind = str(found.kind[node]) if found else ""
    return {
        "kind": cells.Badge(kind, kind) if kind else None,
        "distance": _distance(results, layer, node),
    }


def _distance(results: Results, layer: str, node: int) -> cells.Shown:
    found = results.boundaries.get(layer)
    if found is None:
        return cells.fixed(None)
    return cells.fixed(found.distance[node], 2, found.distance_low[node], found.distance_high[node])

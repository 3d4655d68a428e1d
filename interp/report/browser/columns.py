"""All nodes of all layers as columns of numbers, in network order: what the table shows, sorts and filters by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from interp.report.selection.lookup import nearest_classes
from interp.report.tables.measures import paired_test, unit_of_change
from interp.tasks import find_task
from interp.types import KINDS, UNSAMPLED, Array, NodeLayer, Results

Look = Literal["fixed", "share", "points", "probability", "words"]
"""How the script writes a column's values: with decimals, as a percentage, a signed change, a p-value, a word of it."""


@dataclass(frozen=True)
class Column:
    """One column of the table of nodes.

    Attributes
    ----------
    key
        Name by which the script knows the column.
    label
        Heading of the column.
    meaning
        Explanation of the column in one line.
    values
        Number of each node, (nodes,), NaN where there is none; with `words` the index of a word, -1 for none.
    look
        Style in which values are written.
    words
        Words that the values stand for; empty for numbers.
    """

    key: str
    label: str
    meaning: str
    values: Array
    look: Look = "fixed"
    words: tuple[str, ...] = ()


def node_columns(results: Results) -> tuple[Column, ...]:
    """Lay every node of every layer out in columns; those that nothing is known of are left out.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    found = (column for part in (_kind, _of_effects, _of_boundaries, _of_outputs) for column in part(results))
    return tuple(column for column in found if (column.values >= 0 if column.words else ~np.isnan(column.values)).any())


def _kind(results: Results) -> Iterable[Column]:
    kinds = (*KINDS, UNSAMPLED)

    def kind(layer: NodeLayer) -> Array | None:
        found = results.boundaries.get(layer.name)
        return None if found is None else np.array([kinds.index(kind) for kind in found.kind.tolist()], float)

    yield Column("kind", "kind", "What the node's boundary z = 0 does.", _indices(results, kind), "words", kinds)


def _of_boundaries(results: Results) -> Iterable[Column]:
    classes = tuple(map(str, results.data.classes))

    def of(name: str) -> Array:
        return _by_layer(results, lambda layer: getattr(results.boundaries.get(layer.name), name, None))

    if classes:
        yield Column(
            "class", "nearest class", "Class whose mean lies closest to the boundary, in its standard deviations.",
            _indices(results, lambda layer: nearest_classes(results, layer)), "words", classes,
        )  # fmt: skip
    yield Column(
        "distance", "distance", "How far the boundary passes from a cluster's mean, in its standard deviations.",
        of("distance"),
    )  # fmt: skip
    yield Column(
        "reliability", "reliability", "Chance that other samples put it on the same side of the threshold.",
        of("reliability"), "share",
    )  # fmt: skip


def _of_effects(results: Results) -> Iterable[Column]:
    score, tested = find_task(results.model.task).score, results.effects.tested_nodes
    tested = tested[tested["intervention"] == tested["intervention"].iloc[0]] if len(tested) else tested
    look: Look = "points" if score.share else "fixed"
    yield Column(
        "effect", f"change of {score.words}",
        f"What silencing the node changes on the samples that test it, {unit_of_change(score, score.words)}.",
        _from_table(results, tested, "difference"), look,
    )  # fmt: skip
    yield Column(
        "q", "q", f"p-value of {paired_test(score)}, corrected for the number of nodes: below 0.05 hardly luck.",
        _from_table(results, tested, "q_value"), "probability",
    )  # fmt: skip
    if len(results.effects.node_classes) and results.data.classes:
        table = results.effects.node_classes
        worst = table.loc[table.groupby(["layer", "node"], sort=False)["difference"].idxmin()]
        codes = _from_table(results, worst[worst["difference"] < 0], "class")
        yield Column(
            "hurt", "class hurt most", "Class whose accuracy falls most when the node is silenced.",
            np.where(np.isnan(codes), -1, codes), "words", tuple(map(str, results.data.classes)),
        )  # fmt: skip


def _of_outputs(results: Results) -> Iterable[Column]:
    fits, attribution = results.fits, results.attribution
    yield Column(
        "above", "z above 0", "Share of the training rows on which z is above 0.",
        _by_layer(results, lambda layer: getattr(fits.get(layer.name), "positive_share", None)), "share",
    )  # fmt: skip
    yield Column(
        "conductance", "importance", "Captum's conductance: the node's share in the predicted class's output.",
        _by_layer(results, lambda layer: getattr(attribution.get(layer.name), "conductance", None)),
    )  # fmt: skip


def _by_layer(results: Results, of: Callable[[NodeLayer], Array | None], missing: float = np.nan) -> Array:
    """Put the numbers of every layer's nodes one after the other."""
    parts = []
    for layer in results.model.layers:
        found = of(layer)
        parts.append(np.full(layer.nodes, missing) if found is None else np.asarray(found, float))
    return np.concatenate(parts) if parts else np.zeros(0)


def _indices(results: Results, of: Callable[[NodeLayer], Array | None]) -> Array:
    return _by_layer(results, of, -1.0)


def _from_table(results: Results, table: pd.DataFrame, column: str) -> Array:
    """Read a column of a table with a row a node."""
    starts = node_starts(results)
    values = np.full(sum(layer.nodes for layer in results.model.layers), np.nan)
    if len(table):
        known = table[table["layer"].isin(list(starts))]
        values[known["layer"].map(starts).to_numpy(int) + known["node"].to_numpy(int)] = known[column].to_numpy(float)
    return values


def node_starts(results: Results) -> dict[str, int]:
    """Give the row of each layer's first node in the table of all nodes.

    Parameters
    ----------
    results
        Results of all stages.
    """
    ends = np.cumsum([0, *(layer.nodes for layer in results.model.layers)])
    return {layer.name: int(start) for layer, start in zip(results.model.layers, ends[:-1], strict=True)}

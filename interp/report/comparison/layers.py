"""Sections on layers and nodes: kernel alignment, matched nodes, what is read, and what changed."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from interp.comparison.result import Comparison
from interp.report.comparison.scores import shown
from interp.report.drawing.style import canvas, pale, short
from interp.types import Figure, Section, Table

MOST_PAIRS = 6
"""Number of pairs of networks whose alignment is drawn; the others are in compare.json."""

MOST_CURVES = 8
"""Number of networks whose reading profiles are drawn."""


def alignment(found: Comparison) -> Section | None:
    """Draw the alignment of all pairs of layers."""
    if found.alignment.empty:
        return None
    names = list(found.networks["network"])
    pairs = list(combinations(names, 2))[:MOST_PAIRS]
    more = f" {len(pairs)} of {len(names) * (len(names) - 1) // 2} pairs." if len(names) > 4 else ""
    text = (
        "Debiased linear CKA: 1 where two layers hold the same up to a rotation and one factor, 0 in the mean where"
        " they have nothing to do with each other. A convolution stands with its means over positions.",
    )
    figures = tuple(
        Figure(f"cka-{number}", f"CKA of the layers of {a} (down) and {b} (across).{more}", _drawn(found, a, b))
        for number, (a, b) in enumerate(pairs, 1)
    )
    return Section("Layers beside each other", text, figures, ())


def _drawn(found: Comparison, first: str, second: str) -> Any:
    def draw() -> Any:
        part = found.alignment[(found.alignment["first"] == first) & (found.alignment["second"] == second)]
        table = part.pivot(index="first_layer", columns="second_layer", values="cka")
        table = table.loc[part["first_layer"].unique(), part["second_layer"].unique()]
        figure, grid = canvas(height=1.0 + 0.3 * len(table))
        axes = grid[0, 0]
        image = axes.imshow(table.to_numpy(float), vmin=0, vmax=1, cmap="viridis", aspect="auto")
        axes.set_yticks(range(len(table)), [short(name) for name in table.index])
        axes.set_xticks(range(table.shape[1]), [short(name) for name in table.columns], rotation=90 * (len(table) > 8))
        if table.size <= 64:
            for row, column in np.ndindex(*table.shape):
                value = float(table.iloc[row, column])
                ink = "black" if value > 0.6 else "white"
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)
        figure.colorbar(image, ax=axes, label="CKA", fraction=0.05)
        return figure

    return draw


def nodes(found: Comparison) -> Section | None:
    """Show how well nodes, kinds and prototypes are found again, beside their nulls."""
    if found.layers.empty:
        return None
    text = (
        "Nodes are matched one to one so that the correlations of their outputs are largest. A best matching of"
        " unrelated layers has correlations above 0 too: the null permutes the samples of one of the layers. Kinds and"
        " prototypes of matched nodes stand beside those of pairs drawn at random among them.",
    )
    layers = Table(shown(found.layers), "Matched nodes of each layer and pair, each figure beside its null.", True)
    each = Table(
        shown(found.nodes),
        "Every node: mean over the other networks. A partner is its match in the first of them.",
        sortable=True,
    )
    return Section("Nodes found again", text, (), (layers, each))


def readings(found: Comparison) -> Section | None:
    """Draw what each network's layers are read at, side by side."""
    if found.readings.empty:
        return None
    table = Table(shown(found.readings.drop(columns="curve")), "What each layer is read at (docs/reading.md).", True)
    known = found.readings[found.readings["balance"].notna()]
    figures: tuple[Figure, ...] = ()
    if len(known):
        caption = "Share of how far margins move by noise on each tenth of a node's outputs, lowest first."
        figures = (Figure("readings", caption, lambda: _curves(known)),)
    return Section("What layers are read at", (), figures, (table,))


def _curves(known: pd.DataFrame) -> Any:
    layers = list(known["layer"].unique())[:6]
    figure, grid = canvas(1, len(layers), height=2.4, sharey=True)
    for axes, layer in zip(grid[0], layers, strict=True):
        for _, row in known[known["layer"] == layer].head(MOST_CURVES).iterrows():
            axes.plot(range(1, len(row["curve"]) + 1), row["curve"], label=short(row["network"]), lw=1)
        axes.set(title=short(layer), xlabel="tenth of the outputs")
        pale(axes)
    grid[0, 0].set_ylabel("share of the movement")
    grid[0, -1].legend(fontsize=6)
    return figure


def changes(found: Comparison) -> Section | None:
    """Show what changed from the first network to its copies."""
    if found.changes.empty:
        return None
    first = found.networks["network"].iloc[0]
    said = tuple(_told(name, part) for name, part in found.changes.groupby("network", sort=False))
    table = found.changed_nodes
    order = table.sort_values("output_change", ascending=False) if len(table) else table
    tables = (
        Table(shown(found.changes), f"What changed from {first}, layer by layer.", sortable=True),
        Table(shown(order), "The same node by node, the most changed outputs first.", sortable=True),
    )
    return Section(f"What changed from {short(first)}", said, (), tables)


def _told(name: Any, part: pd.DataFrame) -> str:
    """Say what was done to one copy, by layers."""
    kinds = part.groupby("done", sort=False)["layer"].agg(list)
    done = "; ".join(f"{kind}: {', '.join(map(str, layers))}" for kind, layers in kinds.items())
    changed, total = int(part["nodes_changed"].sum()), int(part["nodes"].sum())
    return f"{name}: {changed:,} of {total:,} nodes have other weights. {done}."

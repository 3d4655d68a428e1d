"""Clamps of single nodes as a heat map: the range of each node's outputs that the network needs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.style import INK, canvas, layer_figures
from interp.report.tables.measures import unit_of_change
from interp.tasks import Score
from interp.types import Effects, Figure

MOST = 128  # nodes of a layer that are drawn, the most sensitive
NAMED = 48  # rows that are named; of more, every second or third
TITLES = {"clamp-min": "low outputs raised to", "clamp-max": "high outputs cut at"}


def clamp_figures(effects: Effects, score: Score) -> tuple[Figure, ...]:
    """Draw each layer's clamp curves, a row a node, the most sensitive above.

    Parameters
    ----------
    effects
        Costs of interventions.
    score
        Score of the task.
    """
    if effects.curves.empty:
        return ()
    names = layer_figures("clamps", dict.fromkeys(effects.curves["layer"]))
    return tuple(
        Figure(
            names[layer],
            _caption(layer, part, score),
            partial(_figure, part, _equilibria(effects, str(layer)), score),
            tuple((str(layer), int(np.unique(part["node"])[i])) for i in _order(_grids(part, score))),
        )
        for layer, part in effects.curves.groupby("layer", sort=False)
        if layer in names
    )


def _caption(layer: str, part: pd.DataFrame, score: Score) -> str:
    return (
        f"{layer}: change {unit_of_change(score, score.words)} when one node's output is clamped; a row a node, "
        f"{_shown(part)}, "
        f"over {int(part['samples'].iloc[0]):,} samples. Levels are fractions of its own range. "
        "A dot marks a node's equilibrium: raising outputs to it and cutting them at it cost the same."
    )


def _shown(part: pd.DataFrame) -> str:
    nodes = part["node"].nunique()
    return "the most sensitive above" if nodes <= MOST else f"the {MOST} most sensitive of {nodes:,}"


def _equilibria(effects: Effects, layer: str) -> dict[int, float]:
    found = effects.node_levels
    rows = found[found["layer"] == layer] if len(found) else found
    return {int(row["node"]): float(row["equilibrium"]) for row in rows.to_dict(orient="records")}


def _figure(part: pd.DataFrame, equilibria: dict[int, float], score: Score) -> Any:
    """Draw both clamps side by side on one colour scale."""
    grids, nodes = _grids(part, score), np.unique(part["node"])
    order = _order(grids)
    limit = max(float(np.nanmax([np.nanmax(np.abs(grid)) for grid in grids.values()])), 0.1 if score.share else 0.001)
    figure, axes = canvas(1, len(grids), height=1.2 + min(3.4, 0.07 * len(order) + 0.6), sharey=True)
    for place, (kind, grid) in zip(axes[0], grids.items(), strict=True):
        image = place.imshow(
            grid[order], aspect="auto", cmap="RdBu", vmin=-limit, vmax=limit, extent=(0, 1, len(order), 0)
        )
        place.set_xlabel(f"{TITLES.get(kind, kind)}, fraction of range", fontsize=7.5)
        level = [equilibria.get(int(nodes[i]), np.nan) for i in order]
        place.plot(level, np.arange(len(order)) + 0.5, ".", color=INK, ms=3 if len(order) <= NAMED else 1.5)
    step = max(-(-len(order) // NAMED), 1)
    shown = order[::step]
    axes[0, 0].set_yticks(np.arange(len(shown)) * step + 0.5, [str(nodes[i]) for i in shown], fontsize=5.5)
    axes[0, 0].set_ylabel("node")
    figure.colorbar(image, ax=axes[0].tolist(), shrink=0.8, label="points" if score.share else score.words)
    return figure


def _grids(part: pd.DataFrame, score: Score) -> dict[Any, Any]:
    """Give each clamp's changes, (nodes, levels), in points where the score is a share."""
    unit = 100.0 if score.share else 1.0
    return {kind: _grid(rows, unit) for kind, rows in part.groupby("intervention", sort=False)}


def _order(grids: dict[Any, Any]) -> Any:
    """Order the nodes, the one that costs most first, and give as many as are drawn."""
    worst = np.min([np.nanmin(grid, axis=1) for grid in grids.values()], axis=0)
    return np.argsort(worst, kind="stable")[:MOST]


def _grid(rows: pd.DataFrame, unit: float) -> Any:
    """Lay one clamp out as (nodes, levels), as the change of the score against the level that changes nothing."""
    grid = rows.pivot_table(index="node", columns="level", values="score").to_numpy(float)
    idle = grid[:, :1] if rows["intervention"].iloc[0] == "clamp-min" else grid[:, -1:]
    return unit * (grid - idle)

"""The section on snapshots of one training."""

from __future__ import annotations

from typing import Any

from interp.comparison.result import Comparison
from interp.report.comparison.scores import shown
from interp.report.drawing.style import canvas, pale
from interp.types import Figure, Section, Table


def section(found: Comparison) -> Section | None:
    """Show what changed along a training."""
    if found.snapshots.empty:
        return None
    first, last = found.snapshots.iloc[0], found.snapshots.iloc[-1]
    order = "by name" if found.snapshots["taken_at"].isna().all() else "by the epoch or step that they state"
    text = (
        f"{len(found.snapshots)} snapshots, {order}, from {first['network']} to {last['network']}. Distances of weights"
        " are relative to the size of those before and of the last.",
    )
    figure = Figure(
        "snapshots", "Score, and distance of the weights from the last, of each snapshot.", lambda: _draw(found)
    )
    tables = (
        Table(shown(found.snapshots, found.data["score"]), "Each snapshot beside the one before and the last.", True),
        Table(shown(found.snapshot_layers), "Its layers: debiased CKA, and shares of nodes by kind.", True),
    )
    return Section("Along the training", text, (figure,), tables)


def _draw(found: Comparison) -> Any:
    rows = found.snapshots
    figure, grid = canvas(1, 2, height=2.4)
    for axes, name in zip(grid[0], ("score", "weights_from_last"), strict=True):
        axes.plot(rows["place"], rows[name], marker="o", ms=3)
        axes.set(title=name.replace("_", " "), xlabel="snapshot")
        pale(axes)
    grid[0, 0].fill_between(rows["place"], rows["low"], rows["high"], alpha=0.2)
    return figure

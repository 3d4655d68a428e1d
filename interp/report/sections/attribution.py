"""A second opinion: Captum's conductance beside our own ablation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.style import KIND_COLOURS, OTHERS, canvas, pale, short
from interp.report.tables import cells
from interp.tasks import find_task
from interp.types import KINDS, UNSAMPLED, Attribution, Figure, Results, Section, Table

COLUMNS = 3
PANELS = 12


def section(results: Results) -> Section:
    """Compare two independent measures of a node's importance.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    if not results.attribution:
        return Section("Attribution cross-check", ("Attribution was not run.",))
    explained = find_task(results.model.task).explained
    text = (
        f"Each point is a node. Across: how much {explained} changes when the node's output is set "
        "to 0, by our own code. Up: its layer conductance by Captum, which integrates gradients along a path from a "
        "blank input.",
        "The rank correlation (Spearman's rho) near 1 means that both measures order the nodes alike, so the ablation "
        "results above do not hang on one method.",
        "They answer different questions, and a blank input is itself a choice: disagreement is a reason to look, "
        "not an error.",
    )
    shown = dict(list(results.attribution.items())[:PANELS])
    caption = "Conductance against the effect of ablation, one point a node, coloured by kind of boundary."
    if len(results.attribution) > PANELS:
        caption += f" Drawn: the first {PANELS} of {len(results.attribution):,} layers."
    figure = Figure("attribution", caption, lambda: _figure(results, shown))
    rows = [_row(layer, found) for layer, found in results.attribution.items()]
    table = Table(pd.DataFrame(rows, dtype=object), "Rank correlation with its 95 % bootstrap interval.")
    return Section("Attribution cross-check", text, (figure,), (table,))


def _figure(results: Results, shown: dict[str, Attribution]) -> Any:
    columns = min(len(shown), COLUMNS)
    rows = -(-len(shown) // columns)
    figure, grid = canvas(rows, columns, height=2.5 * rows)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, (layer, found) in zip(grid.flat, shown.items(), strict=False):
        boundaries = results.boundaries.get(layer)
        _scatter(axes, found, None if boundaries is None else boundaries.kind)
        axes.set_title(short(layer, 32))
    return figure


def _scatter(axes: Any, found: Attribution, kind: Any) -> None:
    import seaborn as sns

    frame = pd.DataFrame({"ablation": found.ablation, "conductance": found.conductance})
    frame["kind"] = "node" if kind is None else np.asarray(kind).astype(str)
    frame = frame[np.isfinite(frame["ablation"]) & np.isfinite(frame["conductance"])]
    order = [name for name in (*KINDS, UNSAMPLED, "node") if (frame["kind"] == name).any()]
    palette = {**KIND_COLOURS, "node": OTHERS[0]}
    if len(frame):
        sns.scatterplot(
            frame, x="ablation", y="conductance", hue="kind", hue_order=order, palette=palette, legend=False, ax=axes,
            s=max(10, min(36, 4000 / len(frame))), alpha=0.8, linewidth=0.3,
        )  # fmt: skip
    axes.set(xlabel="mean |score change|, ablated", ylabel="mean |conductance|")
    pale(axes)


def _row(layer: str, found: Attribution) -> dict[str, Any]:
    return {
        "layer": cells.Code(layer, 32),
        "nodes": cells.count(len(found.conductance)),
        "samples": cells.count(found.samples),
        "rho": cells.fixed(found.rank_correlation, 2, found.low, found.high),
        "p": cells.probability(found.p_value),
    }

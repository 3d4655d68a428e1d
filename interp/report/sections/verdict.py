"""Answer first: the headline, every layer under every question, and the coherent share beside chance."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interp.report.drawing.style import FAINT, KIND_COLOURS, canvas, pale, short
from interp.report.sections.questions import layer_questions
from interp.report.selection.choose import ranks
from interp.report.selection.lookup import analysed, chance, coherent_share
from interp.report.tables import cells
from interp.report.tables.numbers import finite
from interp.types import KINDS, UNSAMPLED, Boundaries, Figure, Results, Section, Table, Thresholds

LAYERS = 30  # rows of the overview


def section(results: Results) -> Section:
    """Show the headline, and what was found of every layer; the answers and alerts stand between them.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    layers = [(layer.name, found) for layer, _, found in analysed(results)]
    shown = [layers[i] for i in ranks(len(layers), LAYERS)]
    figures = (Figure("verdict-overview", _caption(shown, len(layers)), lambda: _overview(shown)),) if layers else ()
    hidden = {layer.name for layer in results.model.hidden or results.model.layers}
    counted = "hidden nodes, the last layer's left out" if results.model.hidden else "all nodes"
    legend = f"How to read the kinds of node. Every colour on this page means its kind. Numbers are of {counted}."
    kinds = Table(_kinds([one for one in layers if one[0] in hidden]), legend)
    return Section("Verdict", (results.verdict.headline,), figures, (*layer_questions(results), kinds))


def _caption(layers: list[tuple[str, Boundaries]], total: int) -> str:
    thresholds = layers[0][1].thresholds
    near = f"{thresholds.epsilon:g} " + ("sigma" if thresholds.rule == "mixture" else "output units")
    shown = "" if len(layers) == total else f" {len(layers)} of {total} layers, evenly over depth."
    return (
        f"Share of live nodes whose boundary passes within {near} of a cluster's mean (dot; 95 % interval where there "
        "are nodes enough for one), beside what the null that explains it best gives (grey, central 95 %). A dot "
        "inside the grey is no more than chance. The share is of all live nodes: the undecided too, which may be near "
        f"a mean by luck of their samples.{shown}"
    )


def _overview(layers: list[tuple[str, Boundaries]]) -> Any:
    figure, grid = canvas(height=0.75 + 0.38 * len(layers))
    axes = grid[0, 0]
    for row, (_, found) in enumerate(layers):
        _null(axes, row, found)
        span = coherent_share(found)
        axes.plot([span.low, span.high], [row, row], color=KIND_COLOURS["coherent"], lw=2)
        axes.plot([span.value], [row], "o", ms=7, color=KIND_COLOURS["coherent"])
    axes.set(xlim=(-0.01, _far(layers)), ylim=(len(layers) - 0.4, -0.6), xlabel="share of live nodes near a mean")
    axes.set_yticks(range(len(layers)), [short(name) for name, _ in layers])
    pale(axes)
    return figure


def _far(layers: list[tuple[str, Boundaries]]) -> float:
    """End the axis a little beyond the largest share or null."""
    spans = [span for _, found in layers for span in (coherent_share(found), chance(found))]
    ends = [end for span in spans for end in (span.value, span.high) if finite(end)]
    return min(1.01, 1.25 * max(ends, default=1.0) + 0.02)


def _null(axes: Any, row: int, found: Boundaries) -> None:
    span = chance(found)
    axes.barh(row, span.high - span.low, left=span.low, height=0.62, color=FAINT, alpha=0.35, lw=0)
    axes.plot([span.value, span.value], [row - 0.31, row + 0.31], color=FAINT, lw=1)


def _kinds(layers: list[tuple[str, Boundaries]]) -> pd.DataFrame:
    thresholds = layers[0][1].thresholds if layers else Thresholds()
    meanings = _meanings(thresholds)
    counts = {kind: sum(found.counts.get(kind, 0) for _, found in layers) for kind in (*KINDS, UNSAMPLED)}
    kinds = [kind for kind, count in counts.items() if count or kind in KINDS]
    return pd.DataFrame(
        {
            "kind": [cells.Badge(kind, kind) for kind in kinds],
            "nodes": [cells.count(counts[kind]) for kind in kinds],
            "what it means": [meanings[kind] for kind in kinds],
        }
    )


def _meanings(thresholds: Thresholds) -> dict[str, str]:
    near = f"within {thresholds.epsilon:g} standard deviations of the mean of a cluster of its values"
    if thresholds.rule == "mean":
        near = f"within {thresholds.epsilon:g} output units of the data mean"
    return {
        "coherent": f"Its boundary z = 0 passes {near}: the node can be read as a distance to a prototype.",
        "adhoc": "Its boundary separates data somewhere else; no single prototype explains it.",
        "undecided": "Its clusters overlap or its samples are too few to say whether it is coherent or adhoc.",
        "one-sided": f"At least {thresholds.one_sided:.1%} of the data lie on one side: it acts as linear, or as zero.",
        "dead": "Its output does not vary over the data.",
        UNSAMPLED: "Not drawn to be looked at: neither dead nor one-sided, and no mixture was fitted to it.",
    }

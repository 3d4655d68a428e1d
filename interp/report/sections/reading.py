"""Which part of its nodes' outputs each layer is read at, beside shuffled and fresh copies of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.style import FAINT, MOST_LAYERS, canvas, pale, short
from interp.report.selection.choose import ranks
from interp.report.tables import cells
from interp.report.tables.numbers import finite
from interp.types import Figure, LayerVerdict, ReadingProfile, Results, Section, Table

TITLE = "What each layer is read at"
COLUMNS = 3
OWN = "#0a7d62"
COPIES = {"shuffled": FAINT, "fresh": "#7d9bb5"}


def section(results: Results) -> Section:
    """Show the curve of each layer, and its numbers beside those of copies."""
    read = {name: own for name, own in results.reading.items() if not own.skipped}
    left = [f"{name} was left out: {own.skipped}." for name, own in results.reading.items() if own.skipped]
    if not read:
        return Section(TITLE, (*left[:MOST_LAYERS],) or ("There is no hidden layer.",))
    shown = [list(read.items())[i] for i in ranks(len(read), MOST_LAYERS)]
    figure = Figure("reading", _caption(len(shown), len(read)), lambda: _draw(dict(shown)))
    table = pd.DataFrame([_row(one, read[one.layer]) for one in results.verdict.layers if one.layer in read])
    note = "Each number of the network, with the central 95 % of its shuffled copies below; p after Holm's correction."
    return Section(TITLE, (*_text(next(iter(read.values()))), *left[:MOST_LAYERS]), (figure,), (Table(table, note),))


def _text(one: ReadingProfile) -> tuple[str, ...]:
    return (
        "A node tells something by being small (close to its prototype, as a distance would be) or by being large (a "
        "strong response). To see which of the two the following layers listen to, the same random noise is put on the "
        "lowest tenth of every node's outputs, on the next tenth, and so on up to the highest, and it is measured how "
        "far the winning class's lead over the next one moves. S compares the two lowest tenths with the two highest: "
        "+1 if only small outputs matter, -1 if only large ones do.",
        "Any network has some S, so it counts only beyond copies of this network with their weights shuffled and "
        f"copies initialised anew. Measured on {one.samples:,} of {one.of:,} samples ({one.split}), drawn at random.",
        "What not to conclude: on planted nodes with two states S follows how few classes a state stands for, not how "
        "few samples are in it, and with two classes it has no answer. Levels: every node's values are replaced by the "
        "mean of the level that they lie in; the best cut is chosen on one half of these samples and measured on the "
        "other.",
    )


def _caption(shown: int, of: int) -> str:
    some = "" if shown == of else f" {shown} of {of} layers, evenly over depth."
    return (
        "How far decisions move by noise on each tenth of the nodes' outputs, from the lowest to the highest, as a "
        "share of all (green), beside the central 95 % of copies with shuffled weights (grey) and freshly initialised "
        f"ones (blue).{some}"
    )


def _draw(layers: Mapping[str, ReadingProfile]) -> Any:
    columns = min(len(layers), COLUMNS)
    rows = -(-len(layers) // columns)
    figure, grid = canvas(rows, columns, height=2.0 * rows, sharex=True)
    for axes in grid.flat[len(layers) :]:
        axes.set_axis_off()
    for axes, (name, own) in zip(grid.flat, layers.items(), strict=False):
        _curve(axes, own)
        axes.set_title(short(name, 32))
    for axes in grid[:, 0]:
        axes.set_ylabel("share of what moves")
    for axes in grid[-1]:
        axes.set_xlabel("tenth of each node's outputs")
    return figure


def _curve(axes: Any, own: ReadingProfile) -> None:
    tenth = np.arange(1, len(own.curve) + 1)
    for kind, low in own.curve_low.items():
        axes.fill_between(tenth, low, own.curve_high[kind], color=COPIES.get(kind, FAINT), alpha=0.35, lw=0)
    axes.plot(tenth, own.curve, "o-", color=OWN, ms=3.5)
    axes.set(xlim=(0.6, len(tenth) + 0.4), ylim=(0, None), xticks=[1, len(tenth) // 2, len(tenth)])
    pale(axes)


def _row(one: LayerVerdict, own: ReadingProfile) -> dict[str, Any]:
    shown = one.statistics
    return {
        "layer": cells.Code(one.layer, 32),
        "read as": one.leaning,
        "S": cells.fixed(one.statistics["balance"].value, 2, *shown["balance"].copies["shuffled"]),
        "p": cells.probability(one.p_holm),
        "copies": cells.count(one.copies),
        "kept by one cut": cells.fixed(own.kept, 2, *shown["best_cut_keeps"].copies["shuffled"]),
        "best cut at": cells.fixed(own.best_cut, 2),
        "levels for 95 %": cells.count(int(own.needed)) if finite(own.needed) else f"over {int(own.levels[-1])}",
    }

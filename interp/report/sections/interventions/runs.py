"""Interventions over several independently trained networks of one architecture."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.level_axis import level_axis
from interp.report.drawing.style import FAINT, SPLIT_COLOURS, canvas, colour, layer_figures, pale
from interp.report.selection.lookup import shown_split
from interp.report.tables import cells
from interp.report.tables.measures import change_cell, score_cell, unit_of_change
from interp.tasks import Score
from interp.types import Figure, RunEffects, Table


def run_figures(found: RunEffects, name: Score) -> tuple[Figure, ...]:
    """Draw the mean over runs of each layer with its 95 % interval, and the single runs behind.

    Parameters
    ----------
    found
        Costs of interventions over several networks.
    name
        Score of the task.
    """
    split = shown_split(found.table)
    table, single = found.table[found.table["split"] == split], found.single[found.single["split"] == split]
    names = layer_figures("runs", dict.fromkeys(table["layer"]))
    runs = found.networks["run"].nunique()
    shown = "mean with its 95 % interval" if table["low"].notna().any() else "mean, too few for an interval"
    return tuple(
        Figure(
            names[layer],
            f"{layer}: {name.words} on the {split} split over {runs} independently trained networks: {shown}, "
            "and every network alone (grey).",
            partial(_draw, part, single[single["layer"] == layer], split, name),
        )
        for layer, part in table.groupby("layer", sort=False)
        if layer in names
    )


def _draw(table: pd.DataFrame, single: pd.DataFrame, split: str, name: Score) -> Any:
    kinds, shade = list(dict.fromkeys(table["intervention"])), colour(split, SPLIT_COLOURS)
    figure, axes = canvas(1, len(kinds), height=2.3, sharey=True)
    for place, kind in zip(axes[0], kinds, strict=True):
        part = table[(table["intervention"] == kind) & np.isfinite(table["level"])].sort_values("level")
        for _, line in single[single["intervention"] == kind].groupby("run"):
            line = line[np.isfinite(line["level"])].sort_values("level")
            place.plot(line["level"], line["score"], color=FAINT, lw=0.6)
        place.fill_between(part["level"], part["low"], part["high"].clip(upper=1), color=shade, alpha=0.2, lw=0)
        place.plot(part["level"], part["score"], color=shade, lw=1.6)
        place.set_title(str(kind))
        place.set_ylim(-0.02 if name.share else None, 1.02)
        level_axis(place, part["level"].to_numpy(float))
        pale(place)
    axes[0, 0].set_ylabel(name.words)
    return figure


def run_tables(found: RunEffects, name: Score) -> tuple[Table, ...]:
    """List every level with its tests over runs, the networks' own figures in the caption.

    Parameters
    ----------
    found
        Costs of interventions over several networks.
    name
        Score of the task.
    """
    split = shown_split(found.table)
    own = found.networks[found.networks["split"] == split]["score"]
    rows = [_row(row, name) for row in found.table[found.table["split"] == split].to_dict(orient="records")]
    unit = unit_of_change(name, name.words)
    caption = (
        f"{len(own)} independently trained networks, {name.words} of {name.shown(own.min())} to "
        f"{name.shown(own.max())} on the {split} split unperturbed: change {unit} with its t interval, paired t-test "
        "against each network's own unperturbed score, Cohen's d of the paired changes, and q after "
        "Benjamini-Hochberg over the levels. A dash: all networks change alike, so that there is nothing to test."
    )
    return (Table(pd.DataFrame(rows, dtype=object), caption, sortable=True),)


def _row(row: dict[Any, Any], name: Score) -> dict[str, Any]:
    return {
        "layer": cells.Code(row["layer"], 32),
        "intervention": row["intervention"],
        "level": cells.number(row["level"]),
        name.words: score_cell(name, row["score"]),
        "change": change_cell(name, row["difference"], row["difference_low"], row["difference_high"]),
        "t": cells.fixed(row["t"], 1),
        "d": cells.fixed(row["effect_size"], 2),
        "q": cells.probability(row["q_value"]),
    }

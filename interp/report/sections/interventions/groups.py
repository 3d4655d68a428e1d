"""Groups that the user named, changed together: nodes, layers, or both."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.level_axis import level_axis
from interp.report.drawing.style import FAINT, OTHERS, canvas, pale, short
from interp.report.selection.lookup import most_harmful, shown_split
from interp.report.tables import cells
from interp.report.tables.measures import change_cell, score_cell, unit_of_change
from interp.tasks import Score
from interp.types import Effects, Figure, Table

MOST = len(OTHERS)  # groups drawn, each in its own colour


def group_figures(effects: Effects, name: Score) -> tuple[Figure, ...]:
    """Draw the score over the levels of each group.

    Parameters
    ----------
    effects
        Costs of interventions.
    name
        Score of the task.
    """
    if effects.groups.empty:
        return ()
    split = shown_split(effects.groups)
    part = effects.groups[effects.groups["split"] == split]
    baseline = float(effects.baseline.get(split, np.nan))
    caption = (
        f"Layers and nodes changed together, as asked for: {name.words} on the {split} split; dashed: unperturbed."
    )
    if (groups := part["group"].nunique()) > MOST:
        caption += f" Drawn: the first {MOST} of {groups:,}."
    return (Figure("interventions-groups", caption, partial(_draw, part, baseline, name)),)


def _draw(part: pd.DataFrame, baseline: float, name: Score) -> Any:
    kinds, groups = list(dict.fromkeys(part["intervention"])), list(dict.fromkeys(part["group"]))[:MOST]
    figure, axes = canvas(1, len(kinds), height=2.6, sharey=True)
    for place, kind in zip(axes[0], kinds, strict=True):
        rows = part[(part["intervention"] == kind) & np.isfinite(part["level"])]
        for group, shade in zip(groups, OTHERS, strict=False):
            line = rows[rows["group"] == group]
            place.plot(line["level"], line["score"], color=shade, lw=1.4, label=short(group))
        if np.isfinite(baseline):
            place.axhline(baseline, color=FAINT, lw=0.8, ls=(0, (4, 3)))
        place.set_title(str(kind))
        place.set_ylim(-0.02 if name.share else None, 1.02)
        level_axis(place, rows["level"].to_numpy(float))
        pale(place)
    axes[0, 0].set_ylabel(name.words)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=min(len(labels), 3))
    return figure


def group_tables(effects: Effects, name: Score) -> tuple[Table, ...]:
    """List the most harmful level of each group.

    Parameters
    ----------
    effects
        Costs of interventions.
    name
        Score of the task.
    """
    if effects.groups.empty:
        return ()
    rows = [
        {
            "changed together": _sites(str(row["group"])),
            "intervention": row["intervention"],
            "split": row["split"],
            "level": cells.number(row["level"]),
            name.words: score_cell(name, row["score"], row["low"], row["high"]),
            "change": change_cell(name, row["difference"], row["difference_low"], row["difference_high"]),
            "q": cells.probability(row["q_value"]),
        }
        for row in most_harmful(effects.groups, "group")
    ]
    caption = (
        "The most harmful level for what was changed together, chosen on the first split, whose figures have no "
        "interval for that reason. Change is " + unit_of_change(name, name.words) + "."
    )
    return (Table(pd.DataFrame(rows, dtype=object), caption, sortable=True),)


def _sites(group: str) -> cells.Sites:
    """Read the names of a group: addresses of nodes end in a colon and a number."""
    cut = [(name, *name.rpartition(":")) for name in group.split(", ")]
    parts = (cells.Node(layer, int(node)) if layer and node.isdecimal() else name for name, layer, _, node in cut)
    return cells.Sites(tuple(parts))

"""The section on aligned copies, and the straight line between two networks."""

from __future__ import annotations

from typing import Any

from interp.comparison.result import Comparison
from interp.report.comparison.scores import shown
from interp.report.drawing.style import canvas, pale, short
from interp.types import Figure, Section, Table

MOST_PANELS = 5
"""Number of networks whose lines are drawn."""


def section(found: Comparison) -> Section | None:
    """Show how near networks come once their nodes are in one order, and what lies on the line between."""
    if found.aligned.empty:
        return None
    first = found.networks["network"].iloc[0]
    text = (
        "The nodes of a network can be put into any order without a change of what it computes. Here they are put into"
        f" the order that brings them nearest to {first}: by their weights, and by what they do on the same samples."
        " The aligned copies are in aligned/.",
        "On the straight line between two networks, batch norms measure their statistics anew. A bump as given that is"
        " gone once aligned was only the order of the nodes.",
    )
    caption = f"Loss along the straight line from {first} (0) to the other network (1), as given and aligned."
    figures = (Figure("line", caption, lambda: _lines(found)),) if len(found.line) else ()
    tables = (Table(shown(found.aligned), "Distances are relative to the size of the first network's weights."),)
    return Section(f"In the order of {short(first)}", text, figures, tables)


def _lines(found: Comparison) -> Any:
    names = list(found.line["network"].unique())[:MOST_PANELS]
    figure, grid = canvas(1, len(names), height=2.4, sharey=True)
    for axes, name in zip(grid[0], names, strict=True):
        for how, part in found.line[found.line["network"] == name].groupby("copy", sort=False):
            axes.plot(part["place"], part["loss"], label=str(how), ls="--" if how == "as given" else "-")
        axes.set(title=short(name), xlabel="place on the line")
        pale(axes)
    grid[0, 0].set_ylabel("loss")
    grid[0, 0].legend(fontsize=7)
    return figure

"""Agreement of the prototypes with clusters that k-means finds without the network."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.style import PROTOTYPE_COLOURS, canvas, colour, layer_figures, pale, undrawn
from interp.report.tables import cells
from interp.types import ClusterMatch, Figure, Results, Section, Table

NETWORK = ("network", "the network")  # row of the network itself, and its words


def section(results: Results) -> Section:
    """Show matched distances, agreements and classifiers, each beside its null.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    text = (
        "k-means is run on each layer's input, knowing nothing of the network. Each prototype is then matched to "
        "one centroid so that the summed distance is smallest (Hungarian matching), and the mean matched distance "
        "is set beside nulls: what stand-ins for the prototypes get by the same matching.",
        "A dot left of its null's range means that the prototypes lie closer to clusters than chance explains. ARI "
        "and NMI compare two ways of grouping the same inputs: 1 is the same grouping, the null is what chance "
        "gives.",
        "The last table sets the same distance, over fewer nodes and rows, beside layers that were never trained. How "
        "often it would call one of those closer than the others has not been measured: it gives numbers, no verdict.",
        "A close match shows that nodes sit near clusters, not that the network uses them; and k-means itself cuts "
        "smooth data into clusters that are not there.",
    )
    named = layer_figures("clusters", results.clusters)
    figures = tuple(
        Figure(named[layer], _caption(layer, found), partial(_distances, found))
        for layer, found in results.clusters.items()
        if layer in named and any(match.null_distance for match in found)
    )
    matches = [(layer, match) for layer, found in results.clusters.items() for match in found]
    tables = (_classifiers(matches), _agreements(matches), _matched(matches), _untrained(matches))
    return Section(
        "Clusters",
        (*text, *undrawn(named, results.clusters)),
        figures,
        tuple(table for table in tables if len(table.frame)),
    )


def _caption(layer: str, found: tuple[ClusterMatch, ...]) -> str:
    return (
        f"{layer}: mean distance of prototypes to their matched centroids (dots), beside every repetition of the nulls "
        f"(ticks); k-means saw {found[0].rows:,} rows."
    )


def _distances(found: tuple[ClusterMatch, ...]) -> Any:
    kinds = list(dict.fromkeys(kind for match in found for kind in match.null_distance))
    nulls = list(dict.fromkeys(name for match in found for null in match.null_distance.values() for name in null))
    figure, grid = canvas(1, len(found), height=0.95 + 0.36 * len(kinds), sharey=True)
    for axes, match in zip(grid[0], found, strict=True):
        for row, kind in enumerate(kinds):
            _one_kind(axes, row, kind, match, nulls)
        axes.set(ylim=(len(kinds) - 0.5, -0.5), xlabel="mean matched distance")
        axes.set_title(f"k = {match.k:,}")
        pale(axes)
    grid[0, 0].set_yticks(range(len(kinds)), kinds)
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour(name, {}, i), ls="", marker="|", ms=8) for i, name in enumerate(nulls)]
    figure.legend(lines, nulls, loc="outside lower right", ncols=max(len(nulls), 1))
    return figure


def _one_kind(axes: Any, row: int, kind: str, match: ClusterMatch, nulls: list[str]) -> None:
    """Draw one row: the nulls' repetitions as ticks side by side, what was found as a dot."""
    for position, name in enumerate(nulls):
        values = np.asarray(match.null_distance.get(kind, {}).get(name, []), float)
        height = row + (position - (len(nulls) - 1) / 2) * 0.3
        axes.plot(values, np.full(len(values), height), "|", color=colour(name, {}, position), ms=6, mew=0.8, alpha=0.6)
    if kind in match.distance:
        axes.plot([match.mean_distance[kind]], [row], "o", color=colour(kind, PROTOTYPE_COLOURS), ms=7)


def _matched(matches: list[tuple[str, ClusterMatch]]) -> Table:
    rows = [_matched_row(layer, match, kind) for layer, match in matches for kind in match.null_distance]
    caption = "Mean distance to the matched centroid, beside the mean and central 95 % of each null."
    return Table(pd.DataFrame(rows, dtype=object), caption, sortable=True)


def _matched_row(layer: str, match: ClusterMatch, kind: str) -> dict[str, Any]:
    return {
        "layer": cells.Code(layer, 32),
        "k": cells.count(match.k),
        "prototype": kind,
        "distance": cells.number(match.mean_distance[kind]),
        **{f"null: {name}": cells.number(*span) for name, span in match.null_range(kind).items()},
    }


def _untrained(matches: list[tuple[str, ClusterMatch]]) -> Table:
    rows = [
        _untrained_row(layer, match, row)
        for layer, match in matches
        for row in match.untrained.to_dict(orient="records")
    ]
    caption = (
        "Mean distance to the matched centroid beside untrained layers over the same rows, with the mean and the 2.5 % "
        "point of each kind of these, and the share of layers that are as close (p)."
    )
    return Table(pd.DataFrame(rows, dtype=object), caption, sortable=True)


def _untrained_row(layer: str, match: ClusterMatch, row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "layer": cells.Code(layer, 32),
        "k": cells.count(match.k),
        "prototype": row["prototype"],
        "distance": cells.number(row["distance"]),
        "beside": row["null"],
        "its mean": cells.number(row["mean"]),
        "its 2.5 % point": cells.number(row["low"]),
        "p": cells.probability(row["p_value"]),
    }


def _agreements(matches: list[tuple[str, ClusterMatch]]) -> Table:
    rows = [
        {
            "layer": cells.Code(layer, 32),
            "k": cells.count(match.k),
            "groupings compared": row["pair"],
            "ARI": cells.fixed(row["ari"], 3),
            "by chance": cells.fixed(row["null_ari"], 3),
            "NMI": cells.fixed(row["nmi"], 3),
            "by chance ": cells.fixed(row["null_nmi"], 3),
        }
        for layer, match in matches
        for row in match.agreement.to_dict(orient="records")
    ]
    return Table(pd.DataFrame(rows, dtype=object), "Agreement of groupings of the same inputs.", sortable=True)


def _classifiers(matches: list[tuple[str, ClusterMatch]]) -> Table:
    """List the classifiers, the network itself only once: where a sample is one row, not many patches."""
    records = [(layer, match.k, row) for layer, match in matches for row in match.accuracy.to_dict(orient="records")]
    own = [row for _, _, row in records if row["classifier"] in NETWORK]
    least = min((row["samples"] for row in own), default=0)
    once = {row.get("split"): _classifier("", 0, row) for row in own if row["samples"] == least}
    others = [_classifier(layer, k, row) for layer, k, row in records if row["classifier"] not in NETWORK]
    frame = pd.DataFrame([*once.values(), *others], dtype=object).dropna(axis="columns", how="all")
    return Table(frame, "Classifiers made of prototypes or clusters, beside the network.", sortable=True)


def _classifier(layer: str, k: int, row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "layer": cells.Code(layer, 32) if layer else None,
        "k": cells.count(k or None),
        "classifier": row["classifier"],
        "split": row.get("split"),
        "samples": cells.count(row["samples"]),
        "accuracy": cells.share(row["accuracy"], row["low"], row["high"]),
        "agrees with the network": cells.share(row["agreement"]),
    }

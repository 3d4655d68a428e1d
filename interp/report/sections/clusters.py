"""Whether the prototypes agree with clusters that k-means finds without the network."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report import cells
from interp.report.lookup import known_mean, null_range
from interp.report.style import FAINT, PROTOTYPE_COLOURS, canvas, colour, layer_figures, pale
from interp.types import ClusterMatch, Figure, Results, Section, Table


def section(results: Results) -> Section:
    """Show matched distances, agreements and classifiers, each beside its null."""
    text = (
        "k-means is run on each layer's input, knowing nothing of the network. Each prototype is then matched to "
        "one centroid so that the summed distance is smallest (Hungarian matching), and the mean matched distance "
        "is set beside nulls: what stand-ins for the prototypes get by the same matching.",
        "A dot left of its null's range means that the prototypes lie closer to clusters than chance explains. ARI "
        "and NMI compare two ways of grouping the same inputs: 1 is the same grouping, the null is what chance "
        "gives.",
        "A close match shows that nodes sit near clusters, not that the network uses them; and k-means itself cuts "
        "smooth data into clusters that are not there.",
    )
    named = layer_figures("clusters", results.clusters)
    matches = [(layer, match) for layer, found in results.clusters.items() for match in found]
    figures = tuple(
        Figure(f"{named[layer]}-k{match.k}", _caption(layer, match), partial(_distances, match))
        for layer, match in matches
        if match.null_distance
    )
    tables = (_agreements(matches), _classifiers(matches), _matched(matches))
    return Section("Clusters", text, figures, tuple(table for table in tables if len(table.frame)))


def _caption(layer: str, match: ClusterMatch) -> str:
    return (
        f"{layer}, k = {match.k:,} on {match.rows:,} rows: mean distance of prototypes to their matched centroids "
        "(dot), beside every repetition of each null (ticks)."
    )


def _distances(match: ClusterMatch) -> Any:
    rows = [(kind, name) for kind, nulls in match.null_distance.items() for name in nulls]
    figure, grid = canvas(height=0.75 + 0.2 * len(rows))
    axes = grid[0, 0]
    for row, (kind, name) in enumerate(rows):
        values = np.asarray(match.null_distance[kind][name], float)
        axes.plot(values, np.full(len(values), row), "|", color=FAINT, ms=7, mew=0.8, alpha=0.6)
        axes.plot([known_mean(match.distance[kind])], [row], "o", color=colour(kind, PROTOTYPE_COLOURS), ms=6)
    axes.set_yticks(range(len(rows)), [f"{kind}, {name}" for kind, name in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="mean distance to the matched centroid")
    pale(axes)
    return figure


def _matched(matches: list[tuple[str, ClusterMatch]]) -> Table:
    rows = [
        _matched_row(layer, match, kind, name)
        for layer, match in matches
        for kind, nulls in match.null_distance.items()
        for name in nulls
    ]
    return Table(
        pd.DataFrame(rows, dtype=object), "Mean distance to the matched centroid, beside its nulls.", sortable=True
    )


def _matched_row(layer: str, match: ClusterMatch, kind: str, name: str) -> dict[str, Any]:
    null = null_range(match.null_distance[kind][name])
    return {
        "layer": cells.Code(layer, 32),
        "k": cells.count(match.k),
        "prototype": kind,
        "distance": cells.number(known_mean(match.distance[kind])),
        "null": name,
        "null distance": cells.number(null.value, null.low, null.high),
    }


def _agreements(matches: list[tuple[str, ClusterMatch]]) -> Table:
    rows = [
        {
            "layer": cells.Code(layer, 32),
            "k": cells.count(match.k),
            "groupings compared": row["pair"],
            **{name: cells.fixed(row[key], 3) for name, key in AGREEMENT.items()},
        }
        for layer, match in matches
        for row in match.agreement.to_dict(orient="records")
    ]
    return Table(pd.DataFrame(rows, dtype=object), "Agreement of groupings of the same inputs.")


AGREEMENT = {"ARI": "ari", "ARI by chance": "null_ari", "NMI": "nmi", "NMI by chance": "null_nmi"}


def _classifiers(matches: list[tuple[str, ClusterMatch]]) -> Table:
    rows = [
        {
            "layer": cells.Code(layer, 32),
            "k": cells.count(match.k),
            "classifier": row["classifier"],
            "split": row["split"],
            "samples": cells.count(row["samples"]),
            "accuracy": cells.share(row["accuracy"], row["low"], row["high"]),
            "agrees with the network": cells.share(row["agreement"]),
        }
        for layer, match in matches
        for row in match.accuracy.to_dict(orient="records")
    ]
    return Table(pd.DataFrame(rows, dtype=object), "Classifiers made of prototypes or clusters, beside the network.")

"""Which single nodes the network cannot do without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interp.report import cells
from interp.report.lookup import shown_split, single_nodes
from interp.types import Results, Section, Table

MOST = 25  # nodes shown of each layer


def section(results: Results) -> Section:
    """Show the nodes whose ablation changes the result most."""
    table = single_nodes(results.effects)
    if table.empty:
        return Section("Single nodes", ("No single node was ablated.",))
    split = shown_split(table)
    text = (
        f"Each node's output is set to 0 in turn, and the {split} split is run again. The table starts with the "
        "nodes that cost most; a click on a heading sorts by it.",
        "q is the p-value of McNemar's paired test after Benjamini-Hochberg correction over the layer's nodes: "
        "below 0.05, the change is unlikely to be luck.",
        "A node without effect is not useless: others may carry the same information.",
    )
    chosen = _most_sensitive(table[table["split"] == split])
    rows = [_row(row, results) for row in chosen.to_dict(orient="records")]
    caption = f"The {MOST} most sensitive nodes of each layer; all are in report.json. Change is in percentage points."
    return Section("Single nodes", text, (), (Table(pd.DataFrame(rows, dtype=object), caption, sortable=True),))


def _most_sensitive(table: pd.DataFrame) -> pd.DataFrame:
    ordered = table.sort_values("difference", kind="stable")
    return ordered.groupby("layer", sort=False).head(MOST)


def _row(row: dict[Any, Any], results: Results) -> dict[str, Any]:
    layer, node = str(row["layer"]), int(row["node"])
    return {
        "node": cells.Code(f"{layer}:{node}", 40),
        **_boundary(results, layer, node),
        "accuracy": cells.share(row["accuracy"], row["low"], row["high"], places=2),
        "change": cells.points(row["difference"], row["difference_low"], row["difference_high"]),
        "q": cells.probability(row["q_value"]),
    }


def _boundary(results: Results, layer: str, node: int) -> dict[str, Any]:
    found, fit = results.boundaries.get(layer), results.fits.get(layer)
    kind = str(found.kind[node]) if found else ""
    return {
        "kind": cells.Badge(kind, kind) if kind else None,
        "distance": _distance(results, layer, node),
        "mean of z": cells.fixed(fit.mean[node] if fit else None),
        "sd of z": cells.fixed(np.sqrt(fit.var[node]) if fit else None),
    }


def _distance(results: Results, layer: str, node: int) -> cells.Shown:
    found = results.boundaries.get(layer)
    if found is None:
        return cells.fixed(None)
    return cells.fixed(found.distance[node], 2, found.distance_low[node], found.distance_high[node])

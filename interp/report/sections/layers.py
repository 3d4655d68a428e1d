"""Every layer in one table: nodes, kinds, and the coherent share beside its null."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from interp.report.selection.lookup import Span, chance, coherent_share, share_p_value
from interp.report.tables import cells
from interp.report.tables.bars import Bar, Gauge
from interp.report.tables.numbers import MISSING, finite
from interp.types import Boundaries, NodeLayer, Results, Section, Table

UNKNOWN = Span(float("nan"), float("nan"), float("nan"))


def section(results: Results) -> Section:
    """Show the layer table.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    text = (
        "A node is one output channel of a linear map, with the batch norm that follows it folded in. Its value "
        "before the activation is z, and z = 0 is its boundary.",
        "Read the share of live nodes, undecided ones too, whose boundary lies near the middle of a cluster of their "
        "values only beside chance: boundaries through random data points, through the data mean, with permuted "
        "biases, of random direction or of a fresh initialisation also pass close to some cluster's mean. Chance is "
        "the one of these nulls that explains the share best, and p its probability of as many: a small p says that "
        "this layer has more than any of them gives.",
        "Do not conclude that a layer with a large share is “distance-based”, nor that one with a small share is "
        "not: the interventions further down test that directly.",
    )
    rows = [_row(layer, results.boundaries.get(layer.name)) for layer in results.model.layers]
    table = Table(pd.DataFrame(rows, dtype=object), "Node layers, in the order in which they run.")
    return Section("Layers", text, (), (table,))


def _shown(share: Span, found: Boundaries | None) -> cells.Shown:
    """Show a share with its interval, or of few nodes with their number."""
    shown = cells.share(share.value, share.low, share.high)
    if found is None or not finite(share.value) or finite(share.low):
        return shown
    return replace(shown, note=f"{share.value * found.classified:.0f} of {found.classified}")


def _row(layer: NodeLayer, found: Boundaries | None) -> dict[str, Any]:
    share = coherent_share(found) if found else UNKNOWN
    null = chance(found) if found else UNKNOWN
    return {
        "layer": cells.Code(layer.name, 32),
        "kind": f"{layer.kind}, {layer.activation}",
        "inputs": cells.count(layer.inputs),
        "nodes": cells.count(layer.nodes),
        "kinds of node": Bar(found.counts) if found else MISSING,
        "boundary near a cluster": _shown(share, found),
        "chance": cells.share(null.value, null.low, null.high),
        "0 to 100 %": Gauge(share, null),
        "p": cells.probability(share_p_value(found) if found else None),
    }

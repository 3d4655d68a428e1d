"""The place of one node: everything that was found of it, in words, numbers and small pictures."""

from __future__ import annotations

import numpy as np

from interp.report.browser.place.clamps import clamps
from interp.report.browser.place.classes import classes
from interp.report.browser.place.inputs import inputs
from interp.report.browser.place.known import Known, class_name
from interp.report.browser.place.numbers import numbers
from interp.report.browser.place.values import values
from interp.report.tables import cells
from interp.report.tables.any_cell import cell_html
from interp.types import NodeLayer


def place(known: Known, layer: NodeLayer, node: int) -> str:
    """Write the place of a node as HTML; all text from files is escaped.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
    found = known.results.boundaries.get(layer.name)
    parts = (values, inputs, classes, clamps)
    panels = [(title, list(shown)) for part in parts for title, shown in part(known, layer, node) if any(shown)]
    facts = [(label, cell_html(value), meaning) for label, value, meaning in numbers(known, layer, node)]
    return known.template.render(
        name=f"{layer.name}:{node}",
        kind=str(found.kind[node]) if found else "",
        sentence=_sentence(known, layer, node),
        panels=panels,
        facts=facts,
    )


def _sentence(known: Known, layer: NodeLayer, node: int) -> str:
    """Say what is known of the node in one or two plain sentences, with their numbers."""
    results = known.results
    said = f"Node {node} of the {layer.nodes:,} in {layer.name} ({layer.kind}, {layer.activation})"
    found = results.boundaries.get(layer.name)
    if found is not None:
        reliability = np.nan if found.reliability is None else found.reliability[node]
        decided = found.kind[node] in ("coherent", "adhoc") and np.isfinite(reliability)
        said += f": {found.kind[node]}"
        said += f", with reliability {cells.share(reliability, places=0).text}" if decided else ""
    nearest = known.nearest_class[layer.name]
    if nearest is not None and nearest[node] >= 0:
        said += f". The class closest to its boundary is {class_name(results, int(nearest[node]))}"
    return f"{said}."

"""The classes as a node sees them, and what silencing it costs each."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from interp.report.browser import drawing
from interp.report.browser.place.known import Known, Panels, class_labels, class_name, panel
from interp.report.tables import cells
from interp.report.tables.any_cell import cell_html
from interp.report.tables.measures import change_cell
from interp.tasks import find_task
from interp.types import NodeLayer

CLASSES = 20  # rows of a node's table of classes


def classes(known: Known, layer: NodeLayer, node: int) -> Panels:
    """Show the classes by how close their mean is to the boundary.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
    labels, results = class_labels(known, layer, node), known.results
    if not labels or not results.data.classes:
        return
    fit, score = results.fits[layer.name], find_task(results.model.task).score
    changes = {int(row["class"]): row for row in known.by_class.of(layer.name, node)}
    rows = []
    for label in labels[:CLASSES]:
        mean, sd = fit.class_mean[label, node], float(np.sqrt(fit.class_var[label, node]))
        row = [class_name(results, label), cells.fixed(mean, 2), cells.fixed(sd, 2), drawing.span(fit, node, label)]
        if changes:
            row.append(change_cell(score, changes.get(label, {}).get("difference")))
        rows.append(row)
    heads = ["class", "mean z", "sd", "one sd about it"] + (["when silenced"] if changes else [])
    more = f" The {CLASSES} of {len(labels)} classes that are closest." if len(labels) > CLASSES else ""
    change = (
        " When silenced: change of the accuracy on the class, in percentage points, on the samples that test nodes."
    )
    words = f"Classes by how close their mean is to z = 0, in their own sd.{change if changes else ''}{more}"
    yield "Classes", [panel(_table(heads, rows), words)]


def _table(heads: list[str], rows: list[list[Any]]) -> Markup:
    def cell(value: Any) -> Markup:
        side = Markup(' class="right"') if isinstance(value, cells.Shown) else Markup("")
        return Markup("<td{}>{}</td>").format(side, value if isinstance(value, Markup) else cell_html(value))

    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(
            Markup(' class="right"') if rows and isinstance(rows[0][i], cells.Shown) else Markup(""), name
        )
        for i, name in enumerate(heads)
    )
    body = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(map(cell, row))) for row in rows)
    return Markup('<table class="plain"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(head, body)

"""The score while a node is clamped."""

from __future__ import annotations

import numpy as np

from interp.report.browser import drawing
from interp.report.browser.place.known import Known, Panels, panel
from interp.tasks import find_task
from interp.types import NodeLayer


def clamps(known: Known, layer: NodeLayer, node: int) -> Panels:
    """Draw the score while small outputs of the node are raised, or large ones cut.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
    rows = known.clamped.of(layer.name, node)
    low, high = ([row for row in rows if row["intervention"] == kind] for kind in ("clamp-min", "clamp-max"))
    if len(low) < 2 or len(low) != len(high):
        return
    lines = {role: np.array([row["score"] for row in part]) for role, part in (("d-min", low), ("d-max", high))}
    level = np.array([row["level"] for row in low])
    words = find_task(known.results.model.task).score.words
    drawn = drawing.curves(level, lines, f"{words} under clamps", ("0", "whole range"))
    said = (
        f"The {words} while its output is raised to at least a level (solid) or cut to at most that level (dashed), as "
        "a fraction of its range; the line at the bottom is 0."
    )
    yield "Clamps", [panel(drawn, said)]

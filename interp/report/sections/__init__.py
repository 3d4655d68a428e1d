"""The parts of the page in order: key -> ``results -> Section``.

A section selects, reshapes and formats; it computes no statistics and reads no files. To add one, write a file here
and a line in `SECTIONS`; a value may also be ``package.module:name`` of a function of the user's.
"""

from __future__ import annotations

from collections.abc import Callable

from interp.report.sections import (
    attribution,
    boundaries,
    clusters,
    distributions,
    interventions,
    layers,
    model,
    nodes,
    prototypes,
    reading,
    reproduce,
    verdict,
)
from interp.types import Results, Section

SECTIONS: dict[str, Callable[[Results], Section] | str] = {
    "verdict": verdict.section,
    "reading": reading.section,
    "model": model.section,
    "layers": layers.section,
    "distributions": distributions.section,
    "boundaries": boundaries.section,
    "prototypes": prototypes.section,
    "clusters": clusters.section,
    "interventions": interventions.section,
    "nodes": nodes.section,
    "attribution": attribution.section,
    "reproduce": reproduce.section,
}

"""The numbers of a node, each with what it means in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from interp.report.browser.place.known import Known
from interp.report.tables import cells
from interp.report.tables.any_cell import cell_html
from interp.report.tables.measures import change_cell, unit_of_change
from interp.tasks import find_task
from interp.types import NodeLayer
from interp.verdict.alerts.nodes import ALIKE

Fact = tuple[str, Any, str]
"""Name of a number, its cell, and what it means in one line."""
WAYS = {"zero-ablation": "0", "mean-ablation": "its mean"}


def numbers(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
    """Give the numbers of a node, in the order of the page.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
    for part in (_boundary_facts, _effect_facts, _level_facts, _importance_facts, _twin_facts):
        yield from part(known, layer, node)


def _boundary_facts(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
    found, fit = known.results.boundaries.get(layer.name), known.results.fits.get(layer.name)
    if found is not None:
        ends = found.distance_low[node], found.distance_high[node]
        unit = "its standard deviations" if found.thresholds.rule == "mixture" else "output units"
        yield (
            "distance",
            cells.fixed(found.distance[node], 2, *ends),
            f"from z = 0 to the closest cluster mean, in {unit}",
        )
        yield (
            "p, q",
            _two(found.p_value[node], found.q_value[node]),
            "chance that a random boundary comes as close, and corrected for all nodes",
        )
        if found.reliability is not None:
            yield (
                "reliability",
                cells.share(found.reliability[node]),
                "chance that other samples put it on the same side of the threshold",
            )
        if found.by_class is not None:
            yield (
                "to a class",
                cells.fixed(found.by_class.distance[node], 2),
                "distance to the closest class mean, in the class's sd",
            )
    if fit is not None:
        yield (
            "mean of z",
            cells.number(fit.mean[node]),
            f"sd {cells.number(float(np.sqrt(fit.var[node]))).text}; over {fit.count:,} rows",
        )
        yield "z above 0", cells.share(fit.positive_share[node]), "share of rows"
        yield "clusters", cells.count(fit.components[node]), "components of the mixture that a valley parts"


def _two(first: Any, second: Any) -> cells.Shown:
    return cells.Shown(first, f"{cells.probability(first).text}; {cells.probability(second).text}")


def _effect_facts(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
    score = find_task(known.results.model.task).score
    for row in known.silenced.of(layer.name, node):
        way, ends = WAYS.get(row["intervention"], row["intervention"]), (row["difference_low"], row["difference_high"])
        q = cells.probability(row["q_value"]).text
        meaning = f"{unit_of_change(score, score.words)}, {int(row['samples']):,} samples of {row['split']}; q {q}"
        yield f"silenced by {way}", change_cell(score, row["difference"], *ends), meaning


def _level_facts(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
    for row in known.levels.of(layer.name, node):
        yield (
            "equilibrium",
            cells.fixed(row["equilibrium"], 2),
            "level where raising small outputs costs what cutting large ones does",
        )
        yield "above it", cells.share(row["above"], places=0), "share of samples with an output above that level"


def _importance_facts(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
    found = known.results.attribution.get(layer.name)
    if found is not None:
        yield "conductance", cells.number(found.conductance[node]), "Captum's importance for the predicted class"
        yield "ablation", cells.number(found.ablation[node]), "mean change of the predicted class's output at 0"
        yield "Captum's ablation", cells.number(found.captum_ablation[node]), "the same as Captum measures it"


def _twin_facts(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
    own = known.results.screening.get(layer.name)
    if own is None or not own.twin[node] >= 0:
        return
    pairs = zip(own.alike[node], own.alike_correlation[node], strict=True) if len(own.alike) else ()
    found = [(int(other), r) for other, r in pairs if other >= 0] or [(int(own.twin[node]), own.correlation[node])]
    links = [
        Markup("{} ({})").format(cell_html(cells.Node(layer.name, other)), cells.fixed(r, 3).text) for other, r in found
    ]
    same = sum(abs(r) >= ALIKE for _, r in found)
    meaning = f"nodes of the layer whose outputs are most correlated with its own, over {own.rows:,} rows"
    said = f"; {same} of them {'repeats' if same == 1 else 'repeat'} it ({ALIKE:g} or beyond)" if same else ""
    yield "most alike", cells.Drawn(Markup(", ").join(links)), meaning + said

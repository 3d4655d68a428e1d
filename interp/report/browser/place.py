"""The place of one node: everything that was found of it, in words, numbers and small pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

import interp.report.html
from interp.report.browser import drawing, examples, tiles
from interp.report.browser.tiles import Tones
from interp.report.drawing.images import layer_shape, network_shape
from interp.report.selection.choose import one_a_node
from interp.report.selection.lookup import nearest_classes
from interp.report.tables import cells
from interp.report.tables.any_cell import cell_html
from interp.report.tables.measures import change_cell, unit_of_change
from interp.tasks import find_task
from interp.types import Array, NodeLayer, Prototypes, Results

Fact = tuple[str, Any, str]
"""Name of a number, its cell, and what it means in one line."""

ORDER = ("nearest", "strongest", "conditional", "component")
WAYS = {"zero-ablation": "0", "mean-ablation": "its mean"}
MEANT = {
    "nearest": "mean of the inputs closest to the boundary",
    "strongest": "mean of the inputs with the largest output",
    "conditional": "input expected at z = 0",
    "component": "mean of the cluster at the boundary",
}
CLASSES = 20  # rows of a node's table of classes


@dataclass(frozen=True)
class RowsByNode:
    """A table of which the rows of one node are asked for, some nodes of perhaps 100,000.

    Attributes
    ----------
    columns
        Name of a column -> its values.
    positions
        Layer and node -> positions of its rows.
    """

    columns: Mapping[str, Any]
    positions: Mapping[Any, Any]

    @staticmethod
    def of_table(table: pd.DataFrame) -> RowsByNode:
        """Look up where the rows of each node are.

        Parameters
        ----------
        table
            Table with the columns ``layer`` and ``node``; may be empty.
        """
        if not len(table):
            return RowsByNode({}, {})
        columns = {str(name): table[name].to_numpy() for name in table.columns}
        return RowsByNode(columns, table.groupby(["layer", "node"], sort=False).indices)

    def of(self, layer: str, node: int) -> list[dict[str, Any]]:
        """Give the rows of a node; none where there are none.

        Parameters
        ----------
        layer
            Name of its layer.
        node
            Index of the node.
        """
        found = self.positions.get((layer, node), ())
        return [{name: values[i] for name, values in self.columns.items()} for i in found]


@dataclass(frozen=True)
class Known:
    """What the places of all nodes are made from, looked up once.

    Attributes
    ----------
    results
        Results of all stages.
    """

    results: Results
    _profiles: dict[str, Markup] = field(default_factory=dict)

    @cached_property
    def tones(self) -> Tones | None:
        """Shape of the images, and their range of values; None where inputs are no images."""
        return examples.tones_of(self.results.data)

    @cached_property
    def silenced(self) -> RowsByNode:
        """Rows of `Effects.single_nodes`."""
        return RowsByNode.of_table(self.results.effects.single_nodes)

    @cached_property
    def by_class(self) -> RowsByNode:
        """Rows of `Effects.node_classes`."""
        return RowsByNode.of_table(self.results.effects.node_classes)

    @cached_property
    def clamped(self) -> RowsByNode:
        """Rows of `Effects.curves`."""
        return RowsByNode.of_table(self.results.effects.curves)

    @cached_property
    def levels(self) -> RowsByNode:
        """Rows of `Effects.node_levels`."""
        return RowsByNode.of_table(self.results.effects.node_levels)

    @cached_property
    def nearest_class(self) -> dict[str, Array | None]:
        """Layer -> the class whose mean lies closest to each boundary."""
        return {layer.name: nearest_classes(self.results, layer) for layer in self.results.model.layers}

    @cached_property
    def template(self) -> Template:
        """Template of a place."""
        home = Path(next(iter(interp.report.html.__path__)))
        loader = FileSystemLoader(home)
        return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("node.html")

    def profile(self, layer: str) -> Markup:
        """Draw the reading profile of a layer; empty where it was not read."""
        if layer not in self._profiles:
            own = self.results.reading.get(layer)
            self._profiles[layer] = Markup("") if own is None or own.skipped else drawing.profile(own)
        return self._profiles[layer]


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
    parts = (_values, _inputs, _classes, _effects)
    panels = [(title, list(shown)) for part in parts for title, shown in part(known, layer, node) if any(shown)]
    facts = [(label, cell_html(value), meaning) for label, value, meaning in _facts(known, layer, node)]
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
        said += f". The class closest to its boundary is {_class_name(results, int(nearest[node]))}"
    return f"{said}."


def _class_name(results: Results, label: int) -> str:
    return str(results.data.classes[label]) if 0 <= label < len(results.data.classes) else str(label)


Panels = Iterator[tuple[str, list[Markup]]]


def _panel(content: Markup, words: str) -> Markup:
    return Markup('<figure class="panel">{}<figcaption>{}</figcaption></figure>').format(content, words)


# --------------------------------------------------------------------------- values


def _values(known: Known, layer: NodeLayer, node: int) -> Panels:
    results, parts = known.results, []
    fit, found = results.fits.get(layer.name), results.boundaries.get(layer.name)
    if fit is not None:
        classes = {label: _class_name(results, label) for label in _labels(known, layer, node)[: drawing.MOST_CLASSES]}
        drawn = drawing.distribution(fit, node, str(found.kind[node]) if found else "", classes)
        thin = "; thin lines: its classes" if classes else ""
        parts.append(
            _panel(drawn, f"Its value z over the training data, with the fitted mixture{thin}. The upright is z = 0.")
        )
    if profile := known.profile(layer.name):
        words = f"Where {layer.name} as a whole is read: the share of what moves decisions, beside untrained copies."
        parts.append(_panel(profile, words))
    yield "Values", parts


def _labels(known: Known, layer: NodeLayer, node: int) -> list[int]:
    """Give the classes that have values, those whose mean lies closest to the boundary first."""
    fit = known.results.fits.get(layer.name)
    if fit is None or not len(fit.class_count):
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.abs(fit.class_mean[:, node]) / np.sqrt(fit.class_var[:, node])
    order = np.argsort(np.where(np.isfinite(size), size, np.inf), kind="stable")
    return [int(label) for label in order if fit.class_count[label] > 0]


# --------------------------------------------------------------------------- inputs


def _inputs(known: Known, layer: NodeLayer, node: int) -> Panels:
    found = known.results.prototypes.get(layer.name)
    if found is None or node not in found.nodes:
        return
    at = int(np.searchsorted(found.nodes, node))
    if known.tones is not None:
        yield "What it stands for", [*_mean_images(known, layer, found, at)]
        yield from _examples(known, found, at)
    elif examples.is_tokens(known.results.data):
        yield from _examples(known, found, at)
    else:
        yield "What it stands for", [_rows_of_table(known, found, at)]


def _examples(known: Known, found: Prototypes, at: int) -> Panels:
    """Show the inputs closest to the boundary, and those of the largest outputs."""
    data, words = known.results.data, {"nearest": "Closest to z = 0", "strongest": "Largest outputs"}
    shown = []
    for sort, said in words.items():
        if sort in found.exemplars:
            rows = examples.known_rows(data, found.exemplars[sort][at])
            content = examples.pictures(data, rows, known.tones) if known.tones else examples.tokens(data, rows)
            shown.append(_panel(content, f"{said}, best first."))
    yield "Training inputs", shown


def _mean_images(known: Known, layer: NodeLayer, found: Prototypes, at: int) -> Iterator[Markup]:
    """Show prototypes, the centroid, the data mean and the weights as pictures."""
    results, tones = known.results, known.tones
    assert tones is not None
    scaling, shown = results.model.scaling, []
    width = len(found.network_mean)
    if width == results.data.width:
        kinds = [kind for kind in ORDER if kind in found.network_input]
        means = {MEANT[kind]: found.network_input[kind][at] for kind in kinds}
        means |= _centroid(known, layer, at) | {"mean of all data": found.network_mean}
        known_means = {words: values for words, values in means.items() if np.isfinite(values).all()}
        shown = [tiles.tile(tiles.picture(scaling.undone(v), tones), words) for words, v in known_means.items()]
    shape = layer_shape(results, layer)
    of_channels = ", mean over channels" if shape is not None and shape[0] > 1 else ""
    if shape is not None and np.isfinite(found.weight[at]).all():
        shown.append(
            tiles.tile(tiles.change(found.weight[at], shape), f"weights{of_channels}: red above zero, blue below")
        )
    if shown:
        yield Markup('<div class="tiles-row large">{}</div>').format(Markup("").join(shown))
    own = network_shape(results, layer, layer.inputs) if shape is not None else None
    if own is not None and own != results.data.image_shape:
        patches = [
            tiles.tile(tiles.change(found.layer_input[kind][at] - found.input_mean, own), f"{kind} patch less the mean")
            for kind in ORDER
            if kind in found.layer_input and np.isfinite(found.layer_input[kind][at]).all()
        ]
        yield Markup('<div class="tiles-row large">{}</div>').format(Markup("").join(patches))


def _centroid(known: Known, layer: NodeLayer, at: int) -> dict[str, Array]:
    """Give the centroid that the nearest prototype is matched with, of a layer that reads the network's input."""
    first = known.results.model.layers[0].name == layer.name and layer.inputs == known.results.data.width
    match = one_a_node(known.results.clusters.get(layer.name, ()), known.results.prototypes[layer.name])
    kind = next((kind for kind in ORDER if match is not None and kind in match.match), None)
    if not first or match is None or kind is None or np.isnan(match.match[kind][at]):
        return {}
    return {"k-means centroid matched with it": match.centroids[int(match.match[kind][at])]}


def _rows_of_table(known: Known, found: Prototypes, at: int) -> Markup:
    """Show prototypes beside the data mean and centroid, and the inputs closest to the boundary and strongest."""
    results = known.results
    data, undone = results.data, results.model.scaling.undone
    if len(found.network_mean) != data.width:
        return Markup("")
    layer = next(layer for layer in results.model.layers if results.prototypes.get(layer.name) is found)
    kinds = [kind for kind in ORDER if kind in found.network_input and np.isfinite(found.network_input[kind][at]).all()]
    lines = {MEANT[kind]: undone(found.network_input[kind][at]) for kind in kinds}
    lines |= {words: undone(values) for words, values in _centroid(known, layer, at).items()}
    lines |= {"mean of all data": undone(found.network_mean)}
    for sort, words in (("nearest", "close to z = 0"), ("strongest", "of large output")):
        rows = examples.known_rows(data, found.exemplars[sort][at] if sort in found.exemplars else np.empty(0, int))
        for row in rows[: examples.SHOWN].tolist():
            lines[f"sample {row}, {words}: {examples.label_of(data, row)}"] = np.asarray(data.train.inputs[row], float)
    apart = np.zeros(data.width) if not kinds else np.abs(found.network_input[kinds[0]][at] - found.network_mean)
    chosen = np.sort(np.argsort(-np.nan_to_num(apart), kind="stable")[: examples.FEATURES])
    left = f" The {len(chosen)} of {data.width:,} inputs in which it is furthest from the mean." * (
        len(chosen) < data.width
    )
    return _panel(examples.table(data, lines, chosen), f"In the units of the data.{left}")


# --------------------------------------------------------------------------- classes and effects


def _classes(known: Known, layer: NodeLayer, node: int) -> Panels:
    labels, results = _labels(known, layer, node), known.results
    if not labels or not results.data.classes:
        return
    fit, score = results.fits[layer.name], find_task(results.model.task).score
    changes = {int(row["class"]): row for row in known.by_class.of(layer.name, node)}
    rows = []
    for label in labels[:CLASSES]:
        mean, sd = fit.class_mean[label, node], float(np.sqrt(fit.class_var[label, node]))
        row = [_class_name(results, label), cells.fixed(mean, 2), cells.fixed(sd, 2), drawing.span(fit, node, label)]
        if changes:
            row.append(change_cell(score, changes.get(label, {}).get("difference")))
        rows.append(row)
    heads = ["class", "mean z", "sd", "one sd about it"] + (["when silenced"] if changes else [])
    more = f" The {CLASSES} of {len(labels)} classes that are closest." if len(labels) > CLASSES else ""
    change = (
        " When silenced: change of the accuracy on the class, in percentage points, on the samples that test nodes."
    )
    words = f"Classes by how close their mean is to z = 0, in their own sd.{change if changes else ''}{more}"
    yield "Classes", [_panel(_table(heads, rows), words)]


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


def _effects(known: Known, layer: NodeLayer, node: int) -> Panels:
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
    yield "Clamps", [_panel(drawn, said)]


# --------------------------------------------------------------------------- numbers


def _facts(known: Known, layer: NodeLayer, node: int) -> Iterator[Fact]:
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
    if own is not None and own.twin[node] >= 0:
        link = Markup("{} ({})").format(
            cell_html(cells.Node(layer.name, int(own.twin[node]))), cells.fixed(own.correlation[node], 3).text
        )
        yield "most alike", cells.Drawn(link), "node of the layer whose outputs are most correlated with its own"

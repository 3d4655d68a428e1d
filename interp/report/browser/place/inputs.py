"""The inputs that a node stands for: pictures, rows or tokens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from interp.report.browser import examples, tiles
from interp.report.browser.place.known import Known, Panels, panel
from interp.report.drawing.images import layer_shape, network_shape
from interp.report.selection.choose import one_a_node
from interp.types import Array, NodeLayer, Prototypes

ORDER = ("nearest", "strongest", "conditional", "component")
MEANT = {
    "nearest": "mean of the inputs closest to the boundary",
    "strongest": "mean of the inputs with the largest output",
    "conditional": "input expected at z = 0",
    "component": "mean of the cluster at the boundary",
}


def inputs(known: Known, layer: NodeLayer, node: int) -> Panels:
    """Show prototypes and training inputs: as pictures, tokens or rows of a table.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
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
            rule = " A row of a picture is a time step." if known.tones and known.steps else ""
            shown.append(panel(content, f"{said}, best first.{rule}"))
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
    first = known.results.model.is_first(layer) and layer.inputs == known.results.data.width
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
    return panel(examples.table(data, lines, chosen, known.steps), f"In the units of the data.{left}")

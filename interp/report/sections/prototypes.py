"""Prototypes of the nodes: their mean inputs of every sort, beside the matched k-means centroid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from interp.report.drawing.images import Shape, layer_shape, network_shape
from interp.report.drawing.prototype_drawing import Sheet, draw_heat, draw_images
from interp.report.drawing.style import layer_figures, undrawn
from interp.report.selection.choose import evenly, one_a_node
from interp.report.tables import cells
from interp.types import Array, ClusterMatch, Figure, NodeLayer, Prototypes, Results, Section, Table

ORDER = ("nearest", "strongest", "conditional", "component")
IMAGE_NODES = 12
HEAT_NODES = 8


def section(results: Results) -> Section:
    """Show prototypes of representative nodes of every layer.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    text = (
        "A prototype is a mean input. Nearest: of the inputs closest to the boundary, the distance reading. "
        "Strongest: of the inputs with the largest output, the intensity reading. Conditional: the input expected "
        "at z = 0 if all were Gaussian. Component: the mean of the cluster that the boundary passes through. "
        "Centroid: the k-means centroid matched to the nearest prototype.",
        "If a node measures a distance, its nearest prototype looks like something in the data and like its "
        "centroid. If it measures intensity, the strongest one does.",
        "Any mean of many inputs looks smooth and plausible, and z = 0 always has inputs near it. Look at what sets "
        "a prototype apart from the data mean, and at the nulls of the next section, before believing it.",
    )
    named = layer_figures("prototypes", results.prototypes)
    layers = [layer for layer in results.model.layers if layer.name in results.prototypes]
    figures = [
        figure for layer in layers if layer.name in named for figure in _figures(results, layer, named[layer.name])
    ]
    rows = [_summary(layer, results.prototypes[layer.name]) for layer in layers]
    tables = (
        Table(
            pd.DataFrame(rows, dtype=object),
            "Effective number of rows behind a prototype, on average over nodes that have one.",
        ),
    )
    return Section("Prototypes", (*text, *undrawn(named, results.prototypes)), tuple(figures), tables if rows else ())


def _figures(results: Results, layer: NodeLayer, name: str) -> list[Figure]:
    """Give images of the network's input and of the layer's own, where they are images; a heat map otherwise."""
    found = results.prototypes[layer.name]
    shape = network_shape(results, layer, next((means.shape[1] for means in found.network_input.values()), 0))
    own = layer_shape(results, layer)
    figures = []
    if shape is not None:
        sheet = _sheet(results, layer, IMAGE_NODES, found.network_input, found.network_mean, centroids=own == shape)
        figures = _images(sheet, shape, name, "mean images")
    if own is not None and own != shape:
        sheet = _sheet(results, layer, IMAGE_NODES, found.layer_input, found.input_mean, centroids=True)
        figures += _images(sheet, own, f"{name}-patches", "mean patches that the convolution reads")
    return figures if own is not None else [*figures, _heat(results, layer, name)]


def _images(sheet: Sheet, shape: Shape, name: str, what: str) -> list[Figure]:
    return [
        Figure(name, _caption(sheet, what), partial(draw_images, sheet, shape, change=False), _addresses(sheet)),
        Figure(f"{name}-change", _caption(sheet, _CHANGE), partial(draw_images, sheet, shape, change=True)),
    ]


def _heat(results: Results, layer: NodeLayer, name: str) -> Figure:
    found = results.prototypes[layer.name]
    sheet = _sheet(results, layer, HEAT_NODES, found.layer_input, found.input_mean, centroids=True)
    features = results.data.features if results.model.is_first(layer) else ()
    return Figure(f"{name}-inputs", _caption(sheet, _HEAT), partial(draw_heat, sheet, features), _addresses(sheet))


def _addresses(sheet: Sheet) -> tuple[tuple[str, int], ...]:
    return tuple((sheet.layer, node) for node in sheet.nodes)


_CHANGE = "the same less the data mean: what sets each apart. The outermost 1 % of values share the end colours"
_HEAT = "mean inputs of the layer less their overall mean, one row each, one column an input"


def _caption(sheet: Sheet, what: str) -> str:
    total = f"{len(sheet.nodes)} of {sheet.total:,} nodes" if len(sheet.nodes) < sheet.total else "all nodes"
    k = f" Centroids are of k-means with k = {sheet.k:,}." if sheet.k else ""
    return f"{sheet.layer}: {what}. {total[0].upper()}{total[1:]}, evenly over the rank of their distance.{k}"


def _sheet(
    results: Results, layer: NodeLayer, most: int, means: Mapping[str, Array], middle: Array, *, centroids: bool
) -> Sheet:
    nodes = _nodes(results, layer, most)
    drawn = results.prototypes[layer.name].nodes
    rows = np.searchsorted(drawn, nodes)
    kinds = [kind for kind in ORDER if kind in means] + [kind for kind in means if kind not in ORDER]
    columns = {kind: np.asarray(means[kind], float)[rows] for kind in kinds}
    match = one_a_node(results.clusters.get(layer.name, ()), results.prototypes[layer.name]) if centroids else None
    if match is not None:
        columns["centroid"] = _matched(match, rows)
    return Sheet(
        layer.name, nodes, layer.nodes, _labels(results, layer, nodes), columns, middle, match.k if match else 0
    )


def _nodes(results: Results, layer: NodeLayer, most: int) -> list[int]:
    found, nodes = results.boundaries.get(layer.name), results.prototypes[layer.name].nodes
    return evenly(found, most, nodes, dead=False) if found else [int(node) for node in nodes[:most]]


def _labels(results: Results, layer: NodeLayer, nodes: list[int]) -> list[tuple[str, str]]:
    """Give each node's label and its kind."""
    found = results.boundaries.get(layer.name)
    return [(str(node), str(found.kind[node]) if found else "") for node in nodes]


def _matched(match: ClusterMatch, rows: Array) -> Array:
    """Give the centroid matched to each node's nearest prototype; NaN where it has none."""
    kind = next((kind for kind in ORDER if kind in match.match), None)
    chosen = np.asarray(match.match[kind])[rows] if kind else np.full(len(rows), np.nan)
    matched = np.full((len(rows), match.centroids.shape[1]), np.nan)
    is_known = np.isfinite(chosen)
    matched[is_known] = match.centroids[chosen[is_known].astype(int)]
    return matched


def _summary(layer: NodeLayer, found: Prototypes) -> dict[str, object]:
    """Count what stands behind each kind of prototype; nodes that were not drawn have none."""
    return {
        "layer": cells.Code(layer.name, 32),
        "nodes": cells.count(len(found.nodes)),
        **{kind: cells.fixed(count, 0) for kind, count in found.mean_count.items()},
    }

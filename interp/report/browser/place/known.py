"""What the places of all nodes are made from, looked up once."""

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
from interp.report.browser import drawing, examples
from interp.report.browser.tiles import Tones
from interp.report.drawing.images import step_shape
from interp.report.selection.lookup import nearest_classes
from interp.types import Array, NodeLayer, Results

Panels = Iterator[tuple[str, list[Markup]]]
"""Title of a part of a place, with its panels."""


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
        """Shape of the images, and their range of values; None where inputs are no images.

        What a network reads a time step at a time is a sequence, unless it is stored in bytes as pictures are.
        """
        data = self.results.data
        if self.steps is not None and len(data.train) and np.asarray(data.train.inputs[:1]).dtype != np.uint8:
            return None
        return examples.tones_of(data)

    @cached_property
    def steps(self) -> tuple[int, int] | None:
        """Number of time steps of an input and of values at each; None where it is no sequence."""
        return step_shape(self.results)

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


def class_name(results: Results, label: int) -> str:
    """Give the name of a class, or its number where it has none.

    Parameters
    ----------
    results
        Results of all stages.
    label
        Number of the class.
    """
    return str(results.data.classes[label]) if 0 <= label < len(results.data.classes) else str(label)


def class_labels(known: Known, layer: NodeLayer, node: int) -> list[int]:
    """Give the classes that have values, those whose mean lies closest to the boundary first.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
    fit = known.results.fits.get(layer.name)
    if fit is None or not len(fit.class_count):
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.abs(fit.class_mean[:, node]) / np.sqrt(fit.class_var[:, node])
    order = np.argsort(np.where(np.isfinite(size), size, np.inf), kind="stable")
    return [int(label) for label in order if fit.class_count[label] > 0]


def panel(content: Markup, words: str) -> Markup:
    """Put words under a picture or table.

    Parameters
    ----------
    content
        Picture or table, as HTML.
    words
        Caption; it is escaped.
    """
    return Markup('<figure class="panel">{}<figcaption>{}</figcaption></figure>').format(content, words)

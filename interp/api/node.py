"""Everything that was found of one node, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from interp.errors import UsageError
from interp.types import Array, Effects, GaussianFit, LoadedModel, NodeLayer, Prototypes
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class NodeFacts(ShortRepr):
    """Everything that was found of one node; what was not looked at is empty.

    Attributes
    ----------
    name
        Address of the node, such as ``fc1:17``.
    layer
        Layer that the node is part of.
    node
        Index of the node in its layer.
    facts
        Row of the node in `interp.Analysis.nodes`.
    mixture
        Components of the Gaussian mixture fitted to z: columns ``weight``, ``mean``, ``sd``.
    classes
        Gaussian of each class of the training split: columns ``class``, ``rows``, ``mean``, ``sd``.
    histogram
        Training rows in bins of equal width: columns ``low`` and ``high`` (the bin's ends, in units of z), ``rows``.
    prototypes
        Sort of prototype -> mean network input (scaled) that the node stands for, (D,), or (channels, height, width) of
        images.
    exemplars
        Indices of inputs of the training split, best first, for ``nearest`` and ``strongest``.
    effects
        Change of the scores where this node alone is changed: its rows of `Effects.table`.
    curves
        Scores while the node's output is clamped: its rows of `Effects.curves`.
    """

    name: str
    layer: NodeLayer
    node: int
    facts: pd.Series
    mixture: pd.DataFrame
    classes: pd.DataFrame
    histogram: pd.DataFrame
    prototypes: Mapping[str, Array]
    exemplars: Mapping[str, Array]
    effects: pd.DataFrame
    curves: pd.DataFrame

    def _repr_html_(self) -> str:
        """Show the facts as a table."""
        return f"<h4>{escape(self.name)}</h4>{self.facts.to_frame('found').to_html()}"


def find_node(model: LoadedModel, name: str) -> tuple[NodeLayer, int]:
    """Read a node's address.

    Parameters
    ----------
    model
        Loaded network.
    name
        Address of the node, such as ``fc1:17``.

    Returns
    -------
    NodeLayer, int
        Layer of the node, and its index in the layer.

    Raises
    ------
    UsageError
        If there is no such layer, with the close ones, or no such node in it.
    """
    layer_name, _, text = name.rpartition(":")
    layer = model.layer(layer_name if layer_name else name)
    if not text.isdecimal() or int(text) >= layer.nodes:
        raise UsageError(
            f"node {name}",
            found=f"node {text!r} of {layer.name}",
            expected=f"0 to {layer.nodes - 1}",
            do=f"write it as {layer.name}:0",
        )
    return layer, int(text)


def node_facts(
    place: tuple[NodeLayer, int], row: pd.Series, found: Mapping[str, Any], shape: tuple[int, ...] | None
) -> NodeFacts:
    """Gather everything that was found of one node.

    Parameters
    ----------
    place
        Layer of the node, and its index in the layer.
    row
        Row of the node in the table of nodes.
    found
        Field of `Results` -> results; may lack any.
    shape
        Channels, height and width of images, which prototypes are given in; None for rows of values.

    Returns
    -------
    NodeFacts
        Numbers, mixture, prototypes and effects of the node.
    """
    layer, node = place
    fit: GaussianFit | None = found.get("fits", {}).get(layer.name)
    prototypes: Prototypes | None = found.get("prototypes", {}).get(layer.name)
    effects: Effects | None = found.get("effects")
    return NodeFacts(
        name=f"{layer.name}:{node}",
        layer=layer,
        node=node,
        facts=row,
        mixture=pd.DataFrame() if fit is None else _mixture(fit, node),
        classes=pd.DataFrame() if fit is None else _classes(fit, node),
        histogram=pd.DataFrame() if fit is None else _histogram(fit, node),
        **_prototypes(prototypes, node, shape),
        effects=pd.DataFrame() if effects is None else _rows_of(effects.single_nodes, layer, node),
        curves=pd.DataFrame() if effects is None else _rows_of(effects.curves, layer, node),
    )


def _mixture(fit: GaussianFit, node: int) -> pd.DataFrame:
    used = fit.weight[node] > 0
    parts = (fit.weight[node][used], fit.component_mean[node][used], np.sqrt(fit.component_var[node][used]))
    return pd.DataFrame(dict(zip(("weight", "mean", "sd"), parts, strict=True)))


def _classes(fit: GaussianFit, node: int) -> pd.DataFrame:
    count = len(fit.class_count)
    mean, var = (values[:, node] if count else np.empty(0) for values in (fit.class_mean, fit.class_var))
    return pd.DataFrame({"class": np.arange(count), "rows": fit.class_count, "mean": mean, "sd": np.sqrt(var)})


def _histogram(fit: GaussianFit, node: int) -> pd.DataFrame:
    edges = np.linspace(fit.minimum[node], fit.maximum[node], fit.histogram.shape[1] + 1)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": fit.histogram[node]})


def _prototypes(found: Prototypes | None, node: int, shape: tuple[int, ...] | None) -> dict[str, Any]:
    if found is None or node not in found.nodes:
        return {"prototypes": {}, "exemplars": {}}
    at = int(np.flatnonzero(found.nodes == node)[0])
    means = {kind: values[at].reshape(shape or (-1,)) for kind, values in found.network_input.items()}
    return {"prototypes": means, "exemplars": {kind: inputs[at] for kind, inputs in found.exemplars.items()}}


def _rows_of(table: pd.DataFrame, layer: NodeLayer, node: int) -> pd.DataFrame:
    if table.empty:
        return table
    return table[(table["layer"] == layer.name) & (table["node"] == node)].reset_index(drop=True)

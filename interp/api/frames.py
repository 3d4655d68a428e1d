"""Results of nodes and layers as tidy tables: one row each, one number a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from interp.report.selection.lookup import chance, coherent_share, share_p_value
from interp.types import (
    KINDS,
    UNSAMPLED,
    Array,
    Attribution,
    Boundaries,
    ClusterMatch,
    Effects,
    GaussianFit,
    NodeLayer,
    Prototypes,
    Screening,
    as_indices,
)

SILENCED = {"zero-ablation": "zero_ablation", "mean-ablation": "mean_ablation"}
"""Intervention on a single node -> its columns' first words."""

MEASURED = {
    "difference": "",
    "difference_low": "_low",
    "difference_high": "_high",
    "p_value": "_p_value",
    "q_value": "_q_value",
}
"""Column of `Effects.table` -> last part of the name that it has here."""


# --------------------------------------------------------------------------- nodes


def node_frame(layers: Sequence[NodeLayer], found: Mapping[str, Any]) -> pd.DataFrame:
    """Lay everything that is one number a node side by side.

    Parameters
    ----------
    layers
        Layers whose nodes have rows.
    found
        Field of `Results` -> results; what is missing has no columns.

    Returns
    -------
    DataFrame
        Columns as in `interp.Analysis.nodes`, the address of the node as index.
    """
    table = pd.concat([_nodes_of(layer, found) for layer in layers]) if layers else pd.DataFrame()
    effects: Effects | None = found.get("effects")
    if effects is None or table.empty:
        return table
    return _joined(_joined(table, _silenced(effects)), effects.node_levels)


def _nodes_of(layer: NodeLayer, found: Mapping[str, Any]) -> pd.DataFrame:
    columns: dict[str, Any] = {"layer": layer.name, "node": np.arange(layer.nodes)}
    if layer.name in found.get("boundaries", {}):
        columns |= _boundary(found["boundaries"][layer.name])
    if layer.name in found.get("fits", {}):
        columns |= _gaussian(found["fits"][layer.name])
    if layer.name in found.get("prototypes", {}):
        matches = found.get("clusters", {}).get(layer.name, ())
        columns |= _prototypes(found["prototypes"][layer.name], matches, layer.nodes)
    if layer.name in found.get("screening", {}):
        columns |= _screening(found["screening"][layer.name])
    if layer.name in found.get("attribution", {}):
        columns |= _attribution(found["attribution"][layer.name])
    names = pd.Index([f"{layer.name}:{node}" for node in range(layer.nodes)], name="name")
    return pd.DataFrame(columns, index=names)


def _boundary(found: Boundaries) -> dict[str, Any]:
    names = ("kind", "distance", "distance_low", "distance_high", "p_value", "q_value")
    known = {name: getattr(found, name) for name in names}
    unknown = np.full(len(found.kind), np.nan)
    reliability = unknown if found.reliability is None else found.reliability
    by_class = None if found.by_class is None else found.by_class.kind
    known |= {"kind_by_class": np.full(len(found.kind), None) if by_class is None else by_class}
    return {**known, "reliability": reliability, "component": as_indices(found.component)}


def _gaussian(found: GaussianFit) -> dict[str, Array]:
    names = ("mean", "skewness", "kurtosis", "minimum", "maximum", "positive_share", "components", "ks", "ks_mixture")
    plain = {name: getattr(found, name) for name in names}
    return {"mean": plain.pop("mean"), "sd": np.sqrt(found.var), **plain}


def _prototypes(found: Prototypes, matches: Sequence[ClusterMatch], nodes: int) -> dict[str, Any]:
    """Give each node's first exemplars, the rows behind its mean inputs, and the centroid that is nearest to it."""
    indices = {f"{kind}_input": inputs[:, 0] for kind, inputs in found.exemplars.items() if inputs.shape[1]}
    numbers = {f"{kind}_rows": counts for kind, counts in found.effective_count.items()}
    numbers["whitening"] = found.whitening
    if matches and "nearest" in matches[0].distance:
        indices["centroid"] = matches[0].match["nearest"]
        numbers["centroid_distance"] = matches[0].distance["nearest"]
    spread = {name: _spread(values, found.nodes, nodes) for name, values in (indices | numbers).items()}
    return {name: as_indices(values) if name in indices else values for name, values in spread.items()}


def _spread(values: Array, sampled: Array, nodes: int) -> Array:
    """Give drawn nodes' values among those of all nodes, NaN for those not drawn."""
    whole = np.full(nodes, np.nan)
    whole[sampled] = values
    return whole


def _screening(found: Screening) -> dict[str, Any]:
    return {"twin": as_indices(found.twin), "twin_correlation": found.correlation, "saturated": found.saturated}


def _attribution(found: Attribution) -> dict[str, Array]:
    return {
        "conductance": found.conductance,
        "score_change": found.ablation,
        "captum_ablation": found.captum_ablation,
    }


def _silenced(effects: Effects) -> pd.DataFrame:
    """Give what silencing each node changes, a row a node."""
    single = effects.tested_nodes
    if single.empty:
        return single
    parts = [
        part[part["intervention"] == how]
        .set_index(["layer", "node"])[list(ends)]
        .set_axis([f"{name}{end}" for end in ends.values()], axis=1)
        for how, name in SILENCED.items()
        for part, ends in ((single, MEASURED), (effects.training_nodes, {"difference": "_training"}))
    ]
    return pd.concat(parts, axis=1).reset_index()


def _joined(table: pd.DataFrame, further: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of a table that has some of the nodes; the others are NaN there."""
    if further.empty:
        return table
    keys = ["layer", "node"]
    right = further.assign(node=further["node"].astype(table["node"].dtype))
    return table.merge(right, on=keys, how="left").set_axis(table.index)


# --------------------------------------------------------------------------- layers


def layer_frame(layers: Sequence[NodeLayer], found: Mapping[str, Any]) -> pd.DataFrame:
    """Lay everything that is one number a layer side by side.

    Parameters
    ----------
    layers
        Layers that have rows.
    found
        Field of `Results` -> results; what is missing has no columns.

    Returns
    -------
    DataFrame
        Columns as in `interp.Analysis.layers`, the name of the layer as index.
    """
    rows = [_layer(layer, found) for layer in layers]
    table = pd.DataFrame(rows, index=pd.Index([layer.name for layer in layers], name="layer"))
    effects: Effects | None = found.get("effects")
    if effects is None or effects.tolerance.empty:
        return table
    own = effects.tolerance[effects.tolerance["network"] == "given"].set_index("layer")
    return table.join(own.drop(columns=[name for name in ("network", "copy") if name in own]))


def _layer(layer: NodeLayer, found: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": layer.kind,
        "nodes": layer.nodes,
        "inputs": layer.inputs,
        "activation": layer.activation,
    }
    if layer.name in found.get("boundaries", {}):
        row |= _shares(found["boundaries"][layer.name])
    if "attribution" in found:
        own = found["attribution"].get(layer.name)
        row["rank_correlation"] = np.nan if own is None else own.rank_correlation
    return row


def _shares(found: Boundaries) -> dict[str, Any]:
    """Count the kinds of nodes, and give the coherent share beside what chance gives."""
    share, null = coherent_share(found), chance(found)
    counts = {kind.replace("-", "_"): found.counts.get(kind, 0) for kind in (*KINDS, UNSAMPLED)}
    return {
        **counts,
        "share": share.value,
        "share_low": share.low,
        "share_high": share.high,
        "chance": null.value,
        "chance_low": null.low,
        "chance_high": null.high,
        "p_value": share_p_value(found),
    }

"""Nodes for report.json: one object a node, with all its numbers in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interp.types import (
    Array,
    Attribution,
    Boundaries,
    GaussianFit,
    NodeLayer,
    Prototypes,
    Results,
    Screening,
    as_indices,
)

EFFECTS = (
    "intervention",
    "split",
    "score",
    "low",
    "high",
    "difference",
    "difference_low",
    "difference_high",
    "p_value",
    "q_value",
)


def node_rows(results: Results) -> list[dict[str, Any]]:
    """List every node of every layer with its Gaussian, boundary, mixture and ablation effect.

    Parameters
    ----------
    results
        Results of all stages.

    Returns
    -------
    list of dict
        Objects in network order, each with the ``name``, ``layer`` and ``node`` first.
    """
    effects = _ablations(results.effects.single_nodes)
    levels = _levels(results.effects.node_levels)
    rows: list[dict[str, Any]] = []
    for layer in results.model.layers:
        columns = _columns(results, layer)
        rows += [
            _row(layer, node, columns, effects) | levels.get((layer.name, node), {}) for node in range(layer.nodes)
        ]
    return rows


def _row(layer: NodeLayer, node: int, columns: dict[str, Any], effects: dict[Any, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": f"{layer.name}:{node}", "layer": layer.name, "node": node}
    row |= {key: values[node] for key, values in columns.items()}
    return row | {"ablation": effects.get((layer.name, node), [])}


def _columns(results: Results, layer: NodeLayer) -> dict[str, Any]:
    """Gather the (N, ...) arrays of one layer under the names that report.json gives them."""
    columns: dict[str, Any] = {}
    if layer.name in results.fits:
        columns |= _gaussian(results.fits[layer.name])
    if layer.name in results.boundaries:
        columns |= _boundary(results.boundaries[layer.name])
    if layer.name in results.prototypes:
        columns |= _whitening(results.prototypes[layer.name], layer.nodes)
    if layer.name in results.screening:
        columns |= _screening(results.screening[layer.name])
    if layer.name in results.attribution:
        columns |= _attribution(results.attribution[layer.name])
    return columns


def _gaussian(fit: GaussianFit) -> dict[str, Array]:
    return {
        "mean": fit.mean,
        "sd": np.sqrt(fit.var),
        "skewness": fit.skewness,
        "kurtosis": fit.kurtosis,
        "minimum": fit.minimum,
        "maximum": fit.maximum,
        "positive_share": fit.positive_share,
        "ks": fit.ks,
        "ks_mixture": fit.ks_mixture,
        "components": fit.components,
        "mixture": _mixtures(fit),
    }


def _mixtures(fit: GaussianFit) -> Array:
    """Pack weight, mean and sd of each node's own components, (N,) of lists."""
    packed = np.empty(len(fit.components), object)
    for node, used in enumerate(np.asarray(fit.weight) > 0):
        parts = (fit.weight[node][used], fit.component_mean[node][used], np.sqrt(fit.component_var[node][used]))
        packed[node] = [{"weight": w, "mean": m, "sd": s} for w, m, s in zip(*parts, strict=True)]
    return packed


def _boundary(found: Boundaries) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "kind_by_class": _by_class(found),
        "component": as_indices(found.component),
        "distance": found.distance,
        "distance_low": found.distance_low,
        "distance_high": found.distance_high,
        "reliability": np.full(len(found.kind), np.nan) if found.reliability is None else found.reliability,
        "p_value": found.p_value,
        "q_value": found.q_value,
    }


def _by_class(found: Boundaries) -> Array:
    """Give the kinds by the means of classes; None without classes."""
    known = None if found.by_class is None else found.by_class.kind
    return np.full(len(found.kind), None) if known is None else known


def _whitening(found: Prototypes, nodes: int) -> dict[str, Array]:
    """Give the drawn nodes' values among NaN of the others."""
    values = np.full(nodes, np.nan)
    values[found.nodes] = found.whitening
    return {"whitening": values}


def _screening(found: Screening) -> dict[str, Any]:
    return {
        "twin": as_indices(found.twin),
        "twin_correlation": found.correlation,
        "saturated": found.saturated,
    }


def _attribution(found: Attribution) -> dict[str, Array]:
    return {
        "conductance": found.conductance,
        "score_change": found.ablation,
        "captum_ablation": found.captum_ablation,
    }


def _levels(table: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    """Give what is read off each node's clamp curves by (layer, node)."""
    found = {}
    for row in table.to_dict(orient="records"):
        key = row.pop("layer"), int(row.pop("node"))
        found[key] = {"levels": row}
    return found


def _ablations(table: pd.DataFrame) -> dict[Any, list[dict[str, Any]]]:
    """Group the single-node ablations by (layer, node)."""
    grouped: dict[Any, list[dict[str, Any]]] = {}
    for row in table.to_dict(orient="records"):
        kept = {key: row[key] for key in EFFECTS}
        grouped.setdefault((row["layer"], int(row["node"])), []).append(kept)
    return grouped

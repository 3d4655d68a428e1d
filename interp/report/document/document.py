"""Results as the one JSON object of report.json."""

from __future__ import annotations

from typing import Any

from interp.checkpoints.inspection import inspection
from interp.report.document.effects import intervention_keys
from interp.report.document.nodes import node_rows
from interp.report.selection.lookup import (
    Span,
    coherent_share,
    null_share,
    share_p_value,
)
from interp.types import (
    Boundaries,
    ClusterMatch,
    Coherence,
    Dataset,
    NodeLayer,
    Prototypes,
    Results,
    as_indices,
    as_json,
)

SCHEMA = 4


def document(results: Results) -> dict[str, Any]:
    """Give all results of a run as JSON values; NaN and infinities become None.

    Raw vectors (prototypes, centroids, histograms) stay in the stage files.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.

    Returns
    -------
    dict
        Content of report.json but for the sections.
    """
    found = {
        "schema": SCHEMA,
        "model": inspection(results.model),
        "data": _data(results.data),
        "layers": [_layer(results, layer) for layer in results.model.layers],
        "nodes": node_rows(results),
        "prototypes": [_prototypes(results, name, found) for name, found in results.prototypes.items()],
        "clusters": [_match(name, match) for name, matches in results.clusters.items() for match in matches],
        **intervention_keys(results.effects),
        "runs": results.runs,
        "attribution": [{"layer": name, **vars(found)} for name, found in results.attribution.items()],
        "verdict": {
            "headline": results.verdict.headline,
            "findings": results.verdict.findings,
            "layers": results.verdict.layers,
            "answers": results.verdict.answers,
        },
        "alerts": results.verdict.alerts,
        "limits": [vars(limit) for limit in results.limits],
        "stages": results.made,
        "provenance": results.provenance,
    }
    clean: dict[str, Any] = as_json(found)
    return clean


def _data(data: Dataset) -> dict[str, Any]:
    return {
        "name": data.name,
        "splits": {name: len(split) for name, split in data.splits.items()},
        "width": data.width,
        "image_shape": data.image_shape,
        "classes": data.classes,
        "features": data.features,
        "digest": data.digest,
    }


def _layer(results: Results, layer: NodeLayer) -> dict[str, Any]:
    facts = {
        "name": layer.name,
        "kind": layer.kind,
        "nodes": layer.nodes,
        "inputs": layer.inputs,
        "activation": layer.activation,
    }
    if layer.name in results.fits:
        facts["rows"] = results.fits[layer.name].count
    if layer.name in results.boundaries:
        facts |= _shares(results.boundaries[layer.name])
    return facts


def _shares(found: Boundaries) -> dict[str, Any]:
    """Give the share of coherent nodes over epsilon, never without its nulls."""
    nulls = {
        name: {"share": share, "low": found.null_low[name], "high": found.null_high[name]}
        for name, share in found.null_share.items()
    }
    curve = {"epsilon": found.epsilons, "share": found.share, "low": found.share_low, "high": found.share_high}
    return {
        "kinds": found.counts,
        "thresholds": found.thresholds,
        "coherent": _at_threshold(found),
        "curve": {**curve, "p_value": found.share_p_value, "null": nulls},
    }


def _at_threshold(found: Boundaries) -> dict[str, Any]:
    return {
        "epsilon": found.epsilons[found.at_threshold] if len(found.epsilons) else None,
        **_span(coherent_share(found)),
        "p_value": share_p_value(found),
        "null": {name: _span(span) | _p_values(found, name) for name, span in null_share(found).items()},
        "by_class": None if found.by_class is None else _of_classes(found.by_class, found.at_threshold),
    }


def _p_values(found: Boundaries, null: str) -> dict[str, float | None]:
    """Give the probabilities that a null gives at least, and at most, the share at the threshold."""
    at = found.at_threshold
    parts = {"p_value": found.null_p_value, "p_below": found.null_p_below}
    return {name: float(part[null][at]) if null in part else None for name, part in parts.items()}


def _of_classes(found: Coherence, at: int) -> dict[str, Any]:
    """Give the share at the threshold with class means in place of the mixtures' components."""
    nulls = {
        name: {
            "share": found.null_share[name][at],
            "low": found.null_low[name][at],
            "high": found.null_high[name][at],
            "p_value": found.null_p_value[name][at],
            "p_below": found.null_p_below[name][at],
        }
        for name in found.null_share
    }
    span = {"share": found.share[at], "low": found.share_low[at], "high": found.share_high[at]}
    return {"kinds": found.counts, **span, "null": nulls}


def _span(span: Span) -> dict[str, float]:
    return {"share": span.value, "low": span.low, "high": span.high}


def _prototypes(results: Results, name: str, found: Prototypes) -> dict[str, Any]:
    matches = results.clusters.get(name, ())
    return {
        "layer": name,
        "nodes": found.nodes,
        "kinds": {kind: _prototype_kind(kind, found, matches) for kind in found.layer_input},
        "exemplars": dict(found.exemplars),
        "whitening": found.whitening,
    }


def _prototype_kind(kind: str, found: Prototypes, matches: tuple[ClusterMatch, ...]) -> dict[str, Any]:
    matched = [
        {"k": match.k, "centroid": as_indices(match.match[kind]), "distance": match.distance[kind]}
        for match in matches
        if kind in match.match
    ]
    return {"effective_count": found.effective_count.get(kind), "matched": matched}


def _match(layer: str, match: ClusterMatch) -> dict[str, Any]:
    return {
        "layer": layer,
        "k": match.k,
        "rows": match.rows,
        "matched": {kind: _distances(kind, match) for kind in match.match},
        "agreement": match.agreement,
        "accuracy": match.accuracy,
        "untrained": match.untrained,
    }


def _distances(kind: str, match: ClusterMatch) -> dict[str, Any]:
    ends = ("mean", "low", "high")
    nulls = {name: dict(zip(ends, span, strict=True)) for name, span in match.null_range(kind).items()}
    return {"mean_distance": match.mean_distance[kind], "null": nulls}

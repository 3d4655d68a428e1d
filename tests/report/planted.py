"""Results of a real run, changed where a page has to show what a tiny network does not do."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd

from interp.types import Boundaries, ClusterMatch, Effects, Prototypes, Results, Screening

PER_NODE = (
    "kind", "component", "distance", "distance_low", "distance_high", "component_distance", "p_value", "q_value",
    "reliability",
)  # fmt: skip


def nothing_analysed(results: Results) -> Results:
    """Leave out what the stages found, as where none of them looked at anything."""
    effects = {part.name: getattr(results.effects, part.name) for part in fields(Effects)}
    effects = {name: found.iloc[:0] for name, found in effects.items() if isinstance(found, pd.DataFrame)}
    bare = replace(results.effects, baseline={}, skipped={}, **effects)
    return replace(
        results, fits={}, boundaries={}, prototypes={}, clusters={}, effects=bare, attribution={}, screening={}
    )


def renamed(results: Results, names: dict[str, str]) -> Results:
    """Give layers other names, such as those of a live module may be."""
    model = replace(
        results.model, layers=tuple(replace(layer, name=names[layer.name]) for layer in results.model.layers)
    )
    by_layer = {
        part: {names[layer]: found for layer, found in getattr(results, part).items()}
        for part in ("fits", "boundaries", "prototypes", "clusters", "attribution")
    }
    tables = {name: table.assign(layer=table["layer"].map(names)) for name, table in _tables(results.effects, "layer")}
    return replace(results, model=model, effects=replace(results.effects, **tables), **by_layer)


def widened(results: Results, layer: str, nodes: int) -> Results:
    """Repeat the nodes of one layer until it has so many."""
    known = results.model.layer(layer)
    order = np.arange(nodes) % known.nodes
    layers = tuple(replace(part, nodes=nodes) if part == known else part for part in results.model.layers)
    found = {
        "fits": results.fits[layer].of(order),
        "boundaries": _boundaries(results.boundaries[layer], order),
        "prototypes": _prototypes(results.prototypes[layer], order) if layer in results.prototypes else None,
        "clusters": tuple(_match(match, order) for match in results.clusters.get(layer, ())),
        "screening": _screening(results.screening[layer], order),
    }
    found = {part: new for part, new in found.items() if new}
    if layer in results.attribution:
        scores = ("conductance", "ablation", "captum_ablation")
        old = results.attribution[layer]
        found["attribution"] = replace(old, **{name: getattr(old, name)[order] for name in scores})
    tables = {name: _repeated(table, layer, order) for name, table in _tables(results.effects, "node")}
    return replace(
        results,
        model=replace(results.model, layers=layers),
        effects=replace(results.effects, **tables),
        **{part: {**getattr(results, part), layer: new} for part, new in found.items()},
    )


def _tables(effects: Effects, column: str) -> list[tuple[str, pd.DataFrame]]:
    found = [(part.name, getattr(effects, part.name)) for part in fields(effects)]
    return [(name, table) for name, table in found if isinstance(table, pd.DataFrame) and column in table]


def _boundaries(found: Boundaries, order: np.ndarray) -> Boundaries:
    known = {name: getattr(found, name)[order] for name in PER_NODE}
    own = found.by_class
    parts = {name: getattr(own, name, None) for name in ("distance", "kind")}
    widened = {name: part[order] for name, part in parts.items() if part is not None}
    return replace(found, **known, by_class=None if own is None else replace(own, **widened))


def _screening(found: Screening, order: np.ndarray) -> Screening:
    fields = ("twin", "correlation", "saturated", "alike", "alike_correlation")
    return replace(found, **{name: getattr(found, name)[order] for name in fields})


def _prototypes(found: Prototypes, order: np.ndarray) -> Prototypes:
    kinds = ("layer_input", "network_input", "effective_count", "exemplars", "network_share")
    rows = ("z_mean", "weight", "principal_coordinates", "whitening")
    mappings = {name: {kind: means[order] for kind, means in getattr(found, name).items()} for name in kinds}
    return replace(found, **mappings, **{name: getattr(found, name)[order] for name in rows})


def _match(found: ClusterMatch, order: np.ndarray) -> ClusterMatch:
    kinds = ("match", "distance")
    return replace(found, **{name: {k: v[order] for k, v in getattr(found, name).items()} for name in kinds})


def _repeated(table: pd.DataFrame, layer: str, order: np.ndarray) -> pd.DataFrame:
    """Repeat the rows of single nodes of a layer."""
    of_nodes = (table["layer"] == layer) & (table["node"] >= 0)
    copies = pd.DataFrame({"node": order, "new": range(len(order))})
    new = table[of_nodes].merge(copies, on="node").sort_values("new", kind="stable")
    new = new.assign(node=new["new"])[list(table.columns)]
    return pd.concat([table[~of_nodes], new], ignore_index=True)

"""Layers and nodes beside each other: kernel alignment, nodes matched one to one, and how stable each of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from interp.analysis.similarity import NodeMatch, debiased_cka, match_nodes
from interp.comparison.activity import Activity
from interp.comparison.members import Member
from interp.types import Array

REPETITIONS = 20
"""Number of permutations of the samples behind the null of a matching."""

DRAWS = 200
"""Number of random pairings behind the nulls of kinds and prototypes."""


Alike = Callable[[Array, Array], Array]
"""Function of what is known of some nodes and of their partners that says how alike each pair is."""


@dataclass(frozen=True)
class Matched:
    """One layer of two networks, its nodes matched.

    Attributes
    ----------
    first, second
        Places of the networks.
    layers
        Names of the layer in either.
    match
        Pairs of nodes.
    same_kind
        Whether the nodes of each pair are of one kind (M,), as 0 and 1; NaN where kinds are not known.
    prototype
        Cosine of the nearest prototypes of each pair about the data mean (M,); NaN where they are not known.
    cka
        Debiased linear CKA of the two layers.
    """

    first: int
    second: int
    layers: tuple[str, str]
    match: NodeMatch
    same_kind: Array
    prototype: Array
    cka: float


def alignment_rows(members: Sequence[Member], activity: Sequence[Activity]) -> pd.DataFrame:
    """Give the alignment of every pair of layers of every pair of networks."""
    return pd.DataFrame(
        [
            {
                "first": members[i].name,
                "second": members[j].name,
                "first_layer": a,
                "second_layer": b,
                "cka": debiased_cka(activity[i][a], activity[j][b]),
            }
            for i, j in combinations(range(len(members)), 2)
            for a in activity[i]
            for b in activity[j]
        ]
    )


def layer_pairs(first: Member, second: Member) -> list[tuple[str, str]]:
    """Pair the layers of two networks: by name where both have the same, else in order where they are as many.

    Parameters
    ----------
    first, second
        Networks of a comparison.
    """
    ours, theirs = ([layer.name for layer in member.run.model.layers] for member in (first, second))
    if set(ours) == set(theirs):
        return [(name, name) for name in ours]
    return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else [(ours[-1], theirs[-1])]


def matched_layers(members: Sequence[Member], activity: Sequence[Activity]) -> list[Matched]:
    """Match the nodes of every pair of networks, layer by layer.

    Parameters
    ----------
    members
        Networks of the comparison.
    activity
        Outputs of the nodes of each.
    """
    found = []
    for i, j in combinations(range(len(members)), 2):
        for a, b in layer_pairs(members[i], members[j]):
            x, y = activity[i][a], activity[j][b]
            match = match_nodes(x, y, REPETITIONS, seed=i * len(members) + j)
            kinds = _of_pairs(_kinds(members[i], a), _kinds(members[j], b), match, _equal)
            cosines = _of_pairs(_prototypes(members[i], a), _prototypes(members[j], b), match, _cosine)
            found.append(Matched(i, j, (a, b), match, kinds, cosines, debiased_cka(x, y)))
    return found


def _kinds(member: Member, layer: str) -> Array | None:
    found = member.found.get("boundaries", {}).get(layer)
    return None if found is None else np.asarray(found.kind)


def _prototypes(member: Member, layer: str) -> Array | None:
    """Give the nearest prototypes of all nodes of a layer, less the mean input; NaN of nodes without one."""
    found = member.found.get("prototypes", {}).get(layer)
    if found is None or "nearest" not in found.network_input:
        return None
    nodes = member.run.model.layer(layer).nodes
    whole = np.full((nodes, len(found.network_mean)), np.nan)
    whole[found.nodes] = np.asarray(found.network_input["nearest"], float) - found.network_mean
    return whole


def _of_pairs(first: Array | None, second: Array | None, match: NodeMatch, alike: Alike) -> Array:
    if first is None or second is None or first.shape[1:] != second.shape[1:]:
        return np.full(len(match.first), np.nan)
    found: Array = alike(first[match.first], second[match.second])
    return found


def _equal(first: Array, second: Array) -> Array:
    return np.asarray(first == second, float)


def _cosine(first: Array, second: Array) -> Array:
    sizes = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(sizes > 0, (first * second).sum(axis=1) / sizes, np.nan))


# --------------------------------------------------------------------------- tables


def layer_rows(members: Sequence[Member], matched: Sequence[Matched]) -> pd.DataFrame:
    """Give one row a layer and pair of networks: how alike matched nodes are, beside their nulls."""
    return pd.DataFrame([_layer(members, one) for one in matched])


def _layer(members: Sequence[Member], one: Matched) -> dict[str, object]:
    a, b = members[one.first], members[one.second]
    kinds = _random_pairs(_kinds(a, one.layers[0]), _kinds(b, one.layers[1]), one.match, _equal)
    cosines = _random_pairs(_prototypes(a, one.layers[0]), _prototypes(b, one.layers[1]), one.match, _cosine)
    null = one.match.null
    return {
        "first": a.name,
        "second": b.name,
        "layer": one.layers[0],
        "second_layer": one.layers[1],
        "matched": len(one.match.first),
        "correlation": _mean(one.match.correlation),
        "null_mean": _mean(null),
        "null_high": float(np.quantile(null, 0.975, method="higher")) if len(null) else float("nan"),
        "same_kind": _mean(one.same_kind),
        **_spread("same_kind", kinds),
        "prototype": _mean(one.prototype),
        **_spread("prototype", cosines),
        "cka": one.cka,
    }


def _random_pairs(first: Array | None, second: Array | None, match: NodeMatch, alike: Alike) -> Array:
    """Give the mean over pairs drawn at random, for each of many draws."""
    if first is None or second is None or first.shape[1:] != second.shape[1:] or not len(match.first):
        return np.empty(0)
    rng, ours, theirs = np.random.default_rng(0), first[match.first], second[match.second]
    means = [_mean(alike(ours, theirs[rng.permutation(len(theirs))])) for _ in range(DRAWS)]
    return np.array(means)


def _spread(name: str, null: Array) -> dict[str, float]:
    known = null[np.isfinite(null)]
    high = float(np.quantile(known, 0.975, method="higher")) if len(known) else float("nan")
    return {f"{name}_null_mean": _mean(known), f"{name}_null_high": high}


def node_rows(members: Sequence[Member], matched: Sequence[Matched]) -> pd.DataFrame:
    """Give one row a node of each network: how well it is found again in the others."""
    return pd.DataFrame(
        [row for place, member in enumerate(members) for row in _nodes_of(place, member, members, matched)]
    )


def _nodes_of(
    place: int, member: Member, members: Sequence[Member], matched: Sequence[Matched]
) -> Iterator[dict[str, object]]:
    """Yield the rows of one network, over all others that it is matched with."""
    for layer in member.run.model.layers:
        own = [one for one in matched if layer.name == dict(_sides(one)).get(place)]
        sums = np.full((3, len(own), layer.nodes), np.nan)
        partners = [""] * layer.nodes
        for number, one in enumerate(own):
            is_first = one.first == place
            nodes, others = (one.match.first, one.match.second)[:: 1 if is_first else -1]
            sums[:, number, nodes] = one.match.correlation, one.same_kind, one.prototype
            if number == 0:
                other, name = (one.second, one.layers[1]) if is_first else (one.first, one.layers[0])
                for node, partner in zip(nodes, others, strict=True):
                    partners[node] = f"{members[other].name} {name}:{partner}"
        kinds = _kinds(member, layer.name)
        for node in range(layer.nodes):
            correlation, same_kind, prototype = (_mean(part[:, node]) for part in sums)
            yield {
                "network": member.name,
                "layer": layer.name,
                "node": node,
                "kind": "" if kinds is None else str(kinds[node]),
                "correlation": correlation,
                "same_kind": same_kind,
                "prototype": prototype,
                "partner": partners[node],
            }


def _sides(one: Matched) -> tuple[tuple[int, str], tuple[int, str]]:
    return (one.first, one.layers[0]), (one.second, one.layers[1])


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")

"""Permutations that bring one network nearest to another: by weights, or by what nodes do (Ainsworth et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, fx, nn

from interp.comparison.permutations.apply import Permutations, rearranged
from interp.comparison.permutations.groups import FIXED, Groups, Piece, groups_in
from interp.comparison.permutations.trace import state_of, trace

MOST_ROUNDS = 100
"""Largest number of rounds over all groups."""

CHUNK = 100
"""Number of samples whose values are held at once."""


@dataclass(frozen=True)
class _Place:
    """Where the nodes of a group lie: an axis of a piece, and that of a group within it, or None."""

    name: str
    piece: Piece
    axis: int
    inner: int | None

    @property
    def axes(self) -> tuple[int, ...]:
        return (self.axis,) if self.inner is None else (self.axis, self.inner)

    def others(self) -> list[int]:
        """Give the groups of the further axes."""
        return [one for place, one in enumerate(self.piece.groups) if place not in self.axes and one != FIXED]


def _places(pieces: Mapping[str, Sequence[Piece]], groups: Groups, group: int) -> list[_Place]:
    """Give every place of a group, with the group that lies within it there."""
    found = []
    for name, parts in pieces.items():
        for piece in parts:
            inner = next((axis for axis, one in enumerate(piece.groups) if groups.within.get(one) == group), None)
            found += [_Place(name, piece, axis, inner) for axis, one in enumerate(piece.groups) if one == group]
    return found


def match_weights(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], groups: Groups, rounds: int = MOST_ROUNDS
) -> dict[int, Tensor]:
    """Find the order of the second network's nodes that brings its weights nearest to the first's.

    Groups are matched one after the other with the others held (algorithm 1 of *Git Re-Basin*, Ainsworth et al. 2023),
    a group together with those that lie within it. In the first round a group is matched by those weights only whose
    other nodes are matched already, or stay: so a copy whose nodes were permuted is found again whatever its depth.

    Parameters
    ----------
    first, second
        State dicts of two networks of one architecture.
    groups
        Groups of their nodes.
    rounds
        Largest number of rounds over all groups; fewer where nothing changes any more.

    Returns
    -------
    dict
        Group -> order of the second network's nodes.
    """
    a, b = ({name: state[name].double().cpu() for name in groups.pieces} for state in (first, second))
    places = {group: _places(groups.pieces, groups, group) for group in groups.families()}
    found: dict[int, Tensor] = {}
    waiting = list(places)
    while waiting:
        known = {group: _settled(places[group], found) for group in waiting}
        group = max(waiting, key=lambda one: (len(known[one]) > 0, -waiting.index(one)))
        found |= _matched(a, b, groups, group, known[group] or places[group], found)
        waiting.remove(group)
    for _ in range(rounds):
        changed = False
        for group in places:
            orders = _matched(a, b, groups, group, places[group], found)
            changed |= any(not torch.equal(order, found[one]) for one, order in orders.items())
            found |= orders
        if not changed:
            break
    return found


def _settled(places: Sequence[_Place], found: Permutations) -> list[_Place]:
    """Give the places of a group where no other axis is along a group that is not matched yet."""
    own = [place for place in places if all(one in found for one in place.others())]
    return [place for place in own if not place.name.endswith(("running_mean", "running_var"))] or own


def _matched(
    a: Mapping[str, Tensor],
    b: Mapping[str, Tensor],
    groups: Groups,
    group: int,
    places: Sequence[_Place],
    found: Permutations,
) -> dict[int, Tensor]:
    """Match the nodes of a group by the products of their weights, those of other groups being held."""
    products = _Products(groups, group)
    for place in places:
        ours = place.piece.view(a[place.name])
        theirs = rearranged(place.piece.view(b[place.name]), place.piece, groups, found, place.axes)
        products.add(place, _rows(ours, place) @ _rows(theirs, place).T)
    return products.best()


def _rows(values: Tensor, place: _Place) -> Tensor:
    """Give one row a node, with all its weights."""
    front = values.movedim(place.axes, tuple(range(len(place.axes))))
    return front.flatten(0, len(place.axes) - 1).flatten(1) if front.dim() > len(place.axes) else front.reshape(-1, 1)


class _Products:
    """Products of each node of the first network with each of the second, for a group and those within it."""

    def __init__(self, groups: Groups, group: int) -> None:
        size = groups.sizes[group]
        self.groups, self.group = groups, group
        self.outer = torch.zeros(size, size, dtype=torch.float64)
        self.inner = {
            one: torch.zeros(size, groups.sizes[one], size, groups.sizes[one], dtype=torch.float64)
            for one in groups.families()[group]
        }

    def add(self, place: _Place, products: Tensor) -> None:
        """Add the products of one piece (nodes of the first, nodes of the second)."""
        if place.inner is None:
            self.outer += products
        else:
            inner = self.inner[place.piece.groups[place.inner]]
            inner += products.reshape(inner.shape)

    def best(self) -> dict[int, Tensor]:
        """Give the orders with the largest sum of products: that of the group, and within each of its nodes."""
        within = {one: _best_within(products) for one, products in self.inner.items()}
        order = _best(sum((value for value, _ in within.values()), self.outer))
        found = {self.group: order}
        for one, (_, orders) in within.items():
            found[one] = torch.empty_like(orders[0])
            found[one][order] = orders[torch.arange(len(order)), order]
        return found


def _best_within(products: Tensor) -> tuple[Tensor, Tensor]:
    """Match what lies within each node of the first with what lies within each node of the second."""
    size, inner = products.shape[:2]
    values, orders = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, size, inner, dtype=torch.long)
    for i in range(size):
        for j in range(size):
            orders[i, j] = _best(products[i, :, j])
            values[i, j] = products[i, torch.arange(inner), j, orders[i, j]].sum()
    return values, orders


def _best(products: Tensor) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(-products.numpy())[1])


@torch.no_grad()
def match_activity(first: nn.Module, second: nn.Module, groups: Groups, inputs: Tensor) -> dict[int, Tensor]:
    """Find the order of the second network's nodes whose outputs are most correlated with the first's.

    Parameters
    ----------
    first, second
        Networks of one architecture, in eval mode.
    groups
        Groups of their nodes.
    inputs
        Samples as the networks take them.

    Returns
    -------
    dict
        Group -> order of the second network's nodes. The correlations of all maps whose outputs a group has are added.
    """
    sums: dict[tuple[int, int], _Sums] = {}
    shapes: dict[tuple[int, int], _Place] = {}
    for x in torch.split(inputs, CHUNK):
        graph = trace(first, x)
        own = groups_in(graph, {})
        ours, theirs = (_values(graph.graph, module, x, own.made_by) for module in (first, second))
        for group in groups.families():
            for number, place in enumerate(_places(own.made_by, own, group)):
                if not place.others():
                    shapes[group, number] = place
                    columns = (_columns(values[place.name], place) for values in (ours, theirs))
                    sums.setdefault((group, number), _Sums()).add(*columns)
    return _best_of_all(groups, sums, shapes)


def _best_of_all(
    groups: Groups, sums: Mapping[tuple[int, int], _Sums], places: Mapping[tuple[int, int], _Place]
) -> dict[int, Tensor]:
    found: dict[int, Tensor] = {}
    for group in groups.families():
        products = _Products(groups, group)
        for (one, number), some in sums.items():
            if one == group:
                products.add(places[one, number], some.correlations())
        found |= products.best()
    return found


class _Recorder(fx.Interpreter):
    """Run a graph, and keep some of its values."""

    def __init__(self, graph: fx.GraphModule, names: Mapping[str, object]) -> None:
        super().__init__(graph)
        self.names = names
        self.kept: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run one operation."""
        value = super().run_node(n)
        if n.name in self.names:
            self.kept[n.name] = value
        return value


def _values(graph: fx.GraphModule, module: nn.Module, x: Tensor, names: Mapping[str, object]) -> dict[str, Tensor]:
    recorder = _Recorder(graph, names)
    recorder.run(*state_of(module).values(), x)
    return recorder.kept


def _columns(values: Tensor, place: _Place) -> Tensor:
    """Give one column a node, and one row a sample and position."""
    return _rows(place.piece.view(values), place).T.double().cpu()


class _Sums:
    """Sums over rows that correlations are made of."""

    def __init__(self) -> None:
        self.rows = 0
        self.shift: tuple[Tensor, Tensor] | None = None
        self.first = self.second = self.first_square = self.second_square = self.product = torch.zeros(1)

    def add(self, ours: Tensor, theirs: Tensor) -> None:
        """Add rows, one column a node; about the means of the first rows, so that little is lost."""
        self.shift = self.shift or (ours.mean(0), theirs.mean(0))
        x, y = ours - self.shift[0], theirs - self.shift[1]
        self.rows += len(x)
        self.first, self.second = self.first + x.sum(0), self.second + y.sum(0)
        self.first_square, self.second_square = self.first_square + (x**2).sum(0), self.second_square + (y**2).sum(0)
        self.product = self.product + x.T @ y

    def correlations(self) -> Tensor:
        """Give the correlations of each node of the first with each of the second; 0 where one is constant."""
        x, y = self.first / self.rows, self.second / self.rows
        spread_x = (self.first_square / self.rows - x**2).clamp_min(0).sqrt().clamp_min(1e-12)
        spread_y = (self.second_square / self.rows - y**2).clamp_min(0).sqrt().clamp_min(1e-12)
        return (self.product / self.rows - x[:, None] * y) / (spread_x[:, None] * spread_y)

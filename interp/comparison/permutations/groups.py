"""Groups of nodes that must be permuted together, read from a network's graph.

Entries of arrays that meet one by one (in a sum, a product, a norm's weight, along a contraction) have one order; so
each group is a set of axes, or of factors of axes, that go together. Heads of attention are a group like any other; the
axis within a head has an order of its own in each head, because it is never without the head's. Inputs and outputs of
the network stay as they are, and so does what an operation without a rule takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, fx, nn

from interp.comparison.permutations.factors import Axes, Factors
from interp.comparison.permutations.operations import Known, rule_of
from interp.comparison.permutations.operations.known import fixed_axes, shapes, unknown
from interp.comparison.permutations.trace import Trace, refused, shared_names, trace

FIXED = -1
"""Group of what must not be permuted: inputs and outputs of the network."""


@dataclass(frozen=True)
class Taken:
    """A part taken out of an array.

    Attributes
    ----------
    shape
        Shape that the array is given before.
    axis
        Axis that the part is taken out of.
    start
        First entry of that axis.
    length
        Number of entries; None for one alone, without its axis.
    """

    shape: tuple[int, ...]
    axis: int
    start: int
    length: int | None = None

    def __call__(self, values: Tensor) -> Tensor:
        """Take the part, sharing the memory of the array where it is contiguous."""
        values = values.reshape(self.shape)
        if self.length is None:
            return values.select(self.axis, self.start)
        return values.narrow(self.axis, self.start, self.length)


@dataclass(frozen=True)
class Piece:
    """An array, or a part of it, in a shape whose axes are groups.

    Attributes
    ----------
    steps
        Parts to take out, one after the other.
    shape
        Shape of what is left.
    groups
        Group of each axis of that shape; `FIXED` where entries stay.
    """

    steps: tuple[Taken, ...]
    shape: tuple[int, ...]
    groups: tuple[int, ...]

    def view(self, values: Tensor) -> Tensor:
        """Give this piece of an array, sharing its memory where the array is contiguous."""
        for step in self.steps:
            values = step(values)
        return values.reshape(self.shape)


@dataclass(frozen=True)
class Groups:
    """Groups of nodes of a network that can be permuted.

    Attributes
    ----------
    pieces
        Name of a parameter or buffer -> its pieces that hold groups.
    sizes
        Group -> number of its nodes; within one of them where it lies within another group.
    within
        Group -> the group, such as heads of attention, each of whose nodes gives it an order of its own.
    made_by
        Name of an operation that gives nodes -> pieces of what it gives.
    held
        Reasons why further nodes keep their order, such as an operation that may mix them.
    """

    pieces: Mapping[str, tuple[Piece, ...]]
    sizes: Mapping[int, int]
    within: Mapping[int, int]
    made_by: Mapping[str, tuple[Piece, ...]]
    held: tuple[str, ...] = ()

    def families(self) -> dict[int, tuple[int, ...]]:
        """Give the groups that lie in no other, each with those that lie in it."""
        return {
            group: tuple(inner for inner, outer in self.within.items() if outer == group)
            for group in self.sizes
            if group not in self.within
        }


def find_groups(module: nn.Module, example: Tensor) -> Groups:
    """Read the groups of nodes from a network's graph.

    Parameters
    ----------
    module
        Network in eval mode.
    example
        A few samples as the network takes them.

    Returns
    -------
    Groups
        Pieces of the parameters, and the groups of nodes along their axes.

    Raises
    ------
    UsageError
        If the graph cannot be followed, or no nodes of the network can be permuted.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> found = find_groups(network, torch.zeros(2, 4))
    >>> found.sizes, {name: [piece.groups for piece in pieces] for name, pieces in found.pieces.items()}
    ({0: 3}, {'0.weight': [(0, -1)], '0.bias': [(0,)], '2.weight': [(-1, 0)]})
    """
    return groups_in(trace(module, example), shared_names(module))


def groups_in(found: Trace, shared: Mapping[str, tuple[str, ...]]) -> Groups:
    """Read the groups of nodes from a graph.

    Parameters
    ----------
    found
        Graph of a network.
    shared
        Name of a parameter or buffer -> further names of it.

    Raises
    ------
    UsageError
        If no nodes of the network can be permuted.
    """
    known = followed(found)
    arrays = [axes for outputs in known.axes.values() for axes in outputs]
    known.factors.settle(arrays)
    numbers = _numbered(known)
    if not numbers:
        raise refused(" and ".join(known.held) or "no nodes between inputs and outputs")
    pieces = _pieces_of(known.factors, [node for node in known.axes if node.op == "placeholder"], known, numbers)
    named = dict(zip(found.names, pieces.values(), strict=False))
    also = {other: named[name] for name, others in shared.items() for other in others}
    made = _pieces_of(known.factors, _makers(known, numbers), known, numbers)
    return Groups(
        {name: some for name, parts in {**named, **also}.items() if (some := _with_groups(parts))},
        {number: known.factors.size(leaf) for leaf, number in numbers.items()},
        _within(known, numbers),
        {name: some for name, parts in made.items() if (some := _with_groups(parts))},
        tuple(known.held),
    )


def _with_groups(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if any(group != FIXED for group in piece.groups))


def followed(found: Trace) -> Known:
    """Follow the axes of all arrays through a graph.

    Parameters
    ----------
    found
        Graph of a network.
    """
    known = Known(Factors())
    for place, node in enumerate(found.graph.graph.nodes):
        if node.op == "placeholder":
            is_parameter = place < len(found.names) and bool(node.users)
            shape = shapes(node)[0]
            known.axes[node] = [
                tuple(known.factors.new(size) for size in shape) if is_parameter else fixed_axes(known, shape)
            ]
        elif node.op == "output":
            for value in node.all_input_nodes:
                known.factors.fix([factor for axis in known.of(value) for factor in axis])
        elif node.op == "call_function":
            known.axes[node] = rule_of(node)(known, node)
        else:  # a constant
            known.axes[node] = unknown(known, node)
    return known


def _numbered(known: Known) -> dict[int, int]:
    """Give each factor of parameters whose nodes can be permuted a number, in network order."""
    owned = {leaf for node in known.axes if node.op == "placeholder" for leaf in _all_leaves(known, node)}
    order = dict.fromkeys(leaf for node in known.axes if node.op != "placeholder" for leaf in _all_leaves(known, node))
    free = [leaf for leaf in order if leaf in owned and not known.factors.is_fixed(leaf)]
    return {leaf: number for number, leaf in enumerate(free)}


def _all_leaves(known: Known, node: fx.Node) -> list[int]:
    return [leaf for axes in known.axes[node] for _, _, leaves in _split(known.factors, axes) for leaf in leaves]


Split = tuple[tuple[Taken, ...], tuple[int, ...], list[int]]
"""Steps, shape and factors of a piece."""


def _split(factors: Factors, axes: Axes) -> list[Split]:
    """Take an array apart until every factor has one order in each piece."""
    return _split_flat(factors, factors.leaves(factor for axis in axes for factor in axis))


def _split_flat(factors: Factors, leaves: list[int]) -> list[Split]:
    shape = tuple(map(factors.size, leaves))
    cut = next((axis for axis, leaf in enumerate(leaves) if factors.runs(leaf) and not factors.is_fixed(leaf)), None)
    divider = next((one for one in leaves if any(factors.open_parts(leaf, one) for leaf in leaves)), None)
    if cut is not None:
        parts = _runs_of(factors, leaves, shape, cut)
    elif divider is not None:
        parts = _entries_of(factors, leaves, shape, divider)
    else:
        return [((), shape, leaves)]
    return [
        ((step, *steps), inner, inner_leaves)
        for step, rest in parts
        for steps, inner, inner_leaves in _split_flat(factors, factors.leaves(rest))
    ]


def _runs_of(
    factors: Factors, leaves: list[int], shape: tuple[int, ...], axis: int
) -> Iterator[tuple[Taken, list[int]]]:
    """Give the runs of a cut axis, each with the factors of what is left."""
    start = 0
    for size, inner in factors.runs(leaves[axis]):
        yield Taken(shape, axis, start, size), [*leaves[:axis], *inner, *leaves[axis + 1 :]]
        start += size


def _entries_of(
    factors: Factors, leaves: list[int], shape: tuple[int, ...], divider: int
) -> Iterator[tuple[Taken, list[int]]]:
    """Give the entries of a divider, each with the factors of what is left."""
    axis = leaves.index(divider)
    for entry in range(factors.size(divider)):
        rest = [_at(factors, leaf, divider, entry) for place, leaf in enumerate(leaves) if place != axis]
        yield Taken(shape, axis, entry), rest


def _at(factors: Factors, leaf: int, divider: int, entry: int) -> int:
    parts = factors.open_parts(leaf, divider)
    if not parts or entry in parts:
        return parts.get(entry, leaf)
    return factors.new(factors.size(leaf), fixed=True)[0]  # an entry that nothing takes


def _pieces_of(
    factors: Factors, nodes: Sequence[fx.Node], known: Known, numbers: Mapping[int, int]
) -> dict[str, tuple[Piece, ...]]:
    return {
        node.name: tuple(
            Piece(steps, shape, tuple(numbers.get(leaf, FIXED) for leaf in leaves))
            for steps, shape, leaves in _split(factors, known.of(node))
        )
        for node in nodes
    }


def _makers(known: Known, numbers: Mapping[int, int]) -> list[fx.Node]:
    """Give the linear maps and convolutions, and for groups that none of them gives the first operation that does."""
    found = list(known.maps)
    seen = {leaf for node in found for leaf in _all_leaves(known, node)}
    for node in known.axes:
        new = {leaf for leaf in _all_leaves(known, node) if leaf in numbers} - seen
        if new and node.op == "call_function" and len(known.axes[node]) == 1:
            found.append(node)
            seen |= new
    return found


def _within(known: Known, numbers: Mapping[int, int]) -> dict[int, int]:
    """Give the groups that no array has without another, whose every node may then order them anew."""
    arrays = [
        [numbers[leaf] for leaf in leaves if leaf in numbers]
        for outputs in known.axes.values()
        for axes in outputs
        for _, _, leaves in _split(known.factors, axes)
    ]
    found: dict[int, int] = {}
    for group in numbers.values():
        own = [groups for groups in arrays if group in groups]
        if any(groups.count(group) > 1 for groups in own) or group in found.values():
            continue
        beside = [one for one in own[0] if one != group and one not in found]
        outer = [one for one in beside if all(groups.count(one) == 1 for groups in own)]
        if outer:
            found[group] = outer[0]
    return found

"""Operations that keep entries apart: entry by entry, in another shape, a part of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import fx

from interp.comparison.permutations.factors import Axes
from interp.comparison.permutations.operations.known import (
    Known,
    Outputs,
    args,
    arrays_of,
    broadcast,
    name_of,
    shapes,
    unknown,
)


def same(known: Known, node: fx.Node) -> Outputs:
    """Follow what changes no axis."""
    return [known.of(args(node)[0])] * len(shapes(node))


def pointwise(known: Known, node: fx.Node) -> Outputs:
    """Follow what looks at entries one by one."""
    return [broadcast(known, [known.of(value) for value in arrays_of(node)], len(shapes(node)[0]))]


def reshaped(known: Known, node: fx.Node) -> Outputs:
    """Follow a change of shape that keeps the entries in their order."""
    axes = known.factors.reshaped(known.of(args(node)[0]), shapes(node)[0])
    return unknown(known, node) if axes is None else [axes]


def expanded(known: Known, node: fx.Node) -> Outputs:
    """Follow the repetition of an axis of one entry."""
    axes, shape = known.of(args(node)[0]), shapes(node)[0]
    whole = ((),) * (len(shape) - len(axes)) + axes
    before = (1,) * (len(shape) - len(axes)) + shapes(args(node)[0])[0]
    new = [size if size != old else 1 for size, old in zip(shape, before, strict=True)]
    return [tuple(known.factors.new(one, fixed=True) or axis for one, axis in zip(new, whole, strict=True))]


def permuted(known: Known, node: fx.Node) -> Outputs:
    """Follow axes put into another order."""
    axes = known.of(args(node)[0])
    order = list(range(len(axes)))
    if name_of(node) == "permute":
        order = [place % len(axes) for place in args(node)[1]]
    elif len(axes) > 1:
        a, b = (0, 1) if name_of(node) == "t" else [int(place) % len(axes) for place in args(node)[1:3]]
        order[a], order[b] = order[b], order[a]
    return [tuple(axes[place] for place in order)]


def selected(known: Known, node: fx.Node) -> Outputs:
    """Follow one entry taken out of an axis."""
    axes, axis, entry = _place(known, node)
    return [known.factors.taken(axes, axis, int(entry) % shapes(args(node)[0])[0][axis])]


def unbound(known: Known, node: fx.Node) -> Outputs:
    """Follow all entries of an axis taken out one by one."""
    axes, axis, _ = _place(known, node)
    return [known.factors.taken(axes, axis, entry) for entry in range(len(shapes(node)))]


def _place(known: Known, node: fx.Node) -> tuple[Axes, int, Any]:
    axes, axis, entry = (*args(node), 0, 0)[:3]
    found = known.of(axes)
    return found, int(axis) % len(found), entry


def _argument(node: fx.Node, place: int, otherwise: Any) -> Any:
    return args(node)[place] if len(args(node)) > place else otherwise


def sliced(known: Known, node: fx.Node) -> Outputs:
    """Follow a run of entries taken out of an axis."""
    axis, start, step = _argument(node, 1, 0), _argument(node, 2, 0), _argument(node, 4, 1)
    axes, before, after = known.of(args(node)[0]), shapes(args(node)[0])[0], shapes(node)[0]
    place = int(axis) % len(axes)
    if before == after:
        return [axes]
    begin = int(start or 0) % before[place]
    found = _piece(known, axes, before, place, begin, after[place]) if step == 1 else None
    return unknown(known, node) if found is None else [found]


def split(known: Known, node: fx.Node) -> Outputs:
    """Follow an axis cut into runs of entries."""
    axis = int(_argument(node, 2, node.kwargs.get("dim", 0)))
    axes, before = known.of(args(node)[0]), shapes(args(node)[0])[0]
    place, start, found = axis % len(axes), 0, []
    for shape in shapes(node):
        one = _piece(known, axes, before, place, start, shape[place])
        if one is None:
            return unknown(known, node)
        found.append(one)
        start += shape[place]
    return found


def _piece(known: Known, axes: Axes, shape: Sequence[int], axis: int, start: int, length: int) -> Axes | None:
    """Give the axes of a run of entries; None where its axis is no whole number of such runs."""
    if length == 0:
        return None
    if (runs := known.factors.run_of(axes[axis], start, length)) is not None:
        return (*axes[:axis], runs, *axes[axis + 1 :])
    if shape[axis] % length or start % length:
        return None
    count = shape[axis] // length
    whole = known.factors.reshaped(axes, (*shape[:axis], count, length, *shape[axis + 1 :]))
    return None if whole is None else known.factors.taken(whole, axis, start // length)


def halves(known: Known, node: fx.Node) -> Outputs:
    """Follow gates, where the second half of an axis weighs the first."""
    axes, shape = known.of(args(node)[0]), shapes(args(node)[0])[0]
    axis = int(args(node)[1] if len(args(node)) > 1 else -1) % len(axes)
    parts = [_piece(known, axes, shape, axis, start, shape[axis] // 2) for start in (0, shape[axis] // 2)]
    if parts[0] is None or parts[1] is None:
        return unknown(known, node)
    return [broadcast(known, [parts[0], parts[1]], len(axes))]


def gathered(known: Known, node: fx.Node) -> Outputs:
    """Follow arrays put one after another: along an axis of theirs each keeps its nodes, a new axis keeps its order."""
    arrays = [known.of(value) for value in args(node)[0]]
    axis, rank = int(args(node)[1] if len(args(node)) > 1 else 0), len(shapes(node)[0])
    place = axis % rank
    if name_of(node) == "stack":
        found = broadcast(known, arrays, rank - 1)
        return [(*found[:place], known.factors.new(shapes(node)[0][place], fixed=True), *found[place:])]
    sizes = [shapes(value)[0][place] for value in args(node)[0]]
    runs = [(size, axes[place]) for size, axes in zip(sizes, arrays, strict=True) if size]
    found = broadcast(known, [(*axes[:place], *axes[place + 1 :]) for axes in arrays], rank - 1)
    return [(*found[:place], known.factors.cut(runs), *found[place:])]

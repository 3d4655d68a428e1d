"""Operations that sum over entries: linear maps, convolutions, means, pooling."""

from __future__ import annotations

from itertools import pairwise

from torch import fx

from interp.comparison.permutations.operations.known import (
    Known,
    Outputs,
    args,
    broadcast,
    fixed_axes,
    name_of,
    shapes,
)


def product(known: Known, node: fx.Node) -> Outputs:
    """Follow ``mm``, ``addmm``, ``bmm`` and ``baddbmm``."""
    *added, first, second = args(node)[:3] if name_of(node) in ("addmm", "baddbmm") else args(node)[:2]
    a, b = known.of(first), known.of(second)
    known.join(a[-1], b[-2])
    found = (*broadcast(known, [a[:-2], b[:-2]], len(a) - 2), a[-2], b[-1])
    known.maps.append(node)
    return [broadcast(known, [found, *(known.of(one) for one in added)], len(found))]


def convolution(known: Known, node: fx.Node) -> Outputs:
    """Follow a convolution; in groups of channels, the channels of a group stay together."""
    x, weight, bias = (known.of(one) if one is not None else () for one in args(node)[:3])
    count, is_transposed = int(args(node)[8]), bool(args(node)[6])
    known.factors.fix([factor for axis in (*x[2:], *weight[2:]) for factor in axis])
    outputs, inputs = (weight[1], weight[0]) if is_transposed else (weight[0], weight[1])
    channels = shapes(node)[0][1]
    if count == 1:
        known.join(x[1], inputs)
        made = outputs
    else:
        group = known.factors.new(count)
        within, out = (known.factors.new(size // count) for size in (shapes(args(node)[0])[0][1], channels))
        known.join(x[1], (*group, *within))
        known.join(outputs, out if is_transposed else (*group, *out))
        known.join(inputs, (*group, *within) if is_transposed else within)
        made = (*group, *out)
    if bias:
        known.join(made, bias[0])
    if count == 1:
        known.maps.append(node)
    return [(x[0], made, *fixed_axes(known, shapes(node)[0][2:]))]


def reduced(known: Known, node: fx.Node) -> Outputs:
    """Follow a sum, mean or extreme over axes, which is the same in any order."""
    axes, shape = known.of(args(node)[0]), shapes(node)[0]
    given = args(node)[1] if len(args(node)) > 1 else None
    places = range(len(axes)) if given is None or given == [] else given if isinstance(given, list | tuple) else [given]
    gone = {int(place) % len(axes) for place in places}
    if len(shape) == len(axes):
        return [tuple(() if place in gone else axis for place, axis in enumerate(axes))]
    return [tuple(axis for place, axis in enumerate(axes) if place not in gone)]


def positions(known: Known, node: fx.Node) -> Outputs:
    """Follow pooling, padding and resizing: positions keep their order, channels are left alone."""
    axes, before = known.of(args(node)[0]), shapes(args(node)[0])[0]
    many = next((int(sign) for sign, after in pairwise(name_of(node)) if sign in "123" and after == "d"), 0)
    found = []
    for shape in shapes(node):
        kept = [place < len(axes) - many and shape[place] == before[place] for place in range(len(axes))]
        for place, axis in enumerate(axes):
            if not kept[place] and (many or shape[place] != before[place]):
                known.factors.fix(axis)
        found.append(
            tuple(
                axis if kept[place] or (not many and size == before[place]) else known.factors.new(size, fixed=True)
                for place, (axis, size) in enumerate(zip(axes, shape, strict=True))
            )
        )
    return found

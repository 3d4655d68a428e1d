"""Norms, attention and tables that are looked up."""

from __future__ import annotations

from torch import fx

from interp.comparison.permutations.operations.known import (
    Known,
    Outputs,
    args,
    broadcast,
    fixed_axes,
    shapes,
)


def channel_norm(known: Known, node: fx.Node) -> Outputs:
    """Follow a batch norm: its weights and statistics go with the channels."""
    axes = known.of(args(node)[0])
    for one in args(node)[1:5]:
        if isinstance(one, fx.Node):
            known.join(axes[1], known.of(one)[0])
    return [axes, *(fixed_axes(known, shape) for shape in shapes(node)[1:])]


def group_norm(known: Known, node: fx.Node) -> Outputs:
    """Follow a group norm: groups stay together."""
    axes, (channels, count) = known.of(args(node)[0]), (int(args(node)[4]), int(args(node)[6]))
    known.join(axes[1], (*known.factors.new(count), *known.factors.new(channels // count)))
    for one in args(node)[1:3]:
        if isinstance(one, fx.Node):
            known.join(axes[1], known.of(one)[0])
    return [axes, *(fixed_axes(known, shape) for shape in shapes(node)[1:])]


def layer_norm(known: Known, node: fx.Node) -> Outputs:
    """Follow a layer norm or root-mean-square norm: weights go with the axes that are normed."""
    axes, normed = known.of(args(node)[0]), len(args(node)[1])
    for one in args(node)[2:4]:
        if isinstance(one, fx.Node):
            broadcast(known, [axes, known.of(one)], len(axes))
    statistics = (*axes[: len(axes) - normed], *((),) * normed)
    return [axes, *(statistics for _ in shapes(node)[1:])]


def attention(known: Known, node: fx.Node) -> Outputs:
    """Follow softmax(q k) v: the axis within a head that q and k share, and that of v, are two."""
    q, k, v = (known.of(one) for one in args(node)[:3])
    known.join(q[-1], k[-1])
    known.join(k[-2], v[-2])
    rest = broadcast(known, [q[:-2], k[:-2], v[:-2]], len(q) - 2)
    known.factors.fix([*q[-2], *k[-2]])  # a mask, or what is causal, tells positions apart
    for mask in (*args(node)[3:], node.kwargs.get("attn_mask")):
        if isinstance(mask, fx.Node):
            broadcast(known, [(*rest, q[-2], k[-2]), known.of(mask)], len(q))
    return [(*rest, q[-2], v[-1]), *(fixed_axes(known, shape) for shape in shapes(node)[1:])]


def embedding(known: Known, node: fx.Node) -> Outputs:
    """Follow a table that is looked up."""
    table, places = known.of(args(node)[0]), known.of(args(node)[1])
    known.fix(table[0], "an embedding's entries")
    return [(*places, table[1])]


def item(known: Known, node: fx.Node) -> Outputs:
    """Follow one of the arrays that an operation gives."""
    return [known.axes[args(node)[0]][int(args(node)[1])]]

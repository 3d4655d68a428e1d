"""Kinds of layers: modules whose parameters hold nodes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class NodeKind(NamedTuple):
    """How a kind of module holds its nodes.

    Attributes
    ----------
    name
        Name of the kind in tables and files. That of a convolution starts with ``conv``: nodes are then on axis 1 of
        the output and positions behind, else nodes are on the last axis.
    weight
        Attribute that holds the nodes, one row (N, D, ...) for each output channel.
    distances
        Whether a node's value is its distance to a point, and not a weighted sum of what it reads.
    """

    name: str
    weight: str = "weight"
    distances: bool = False


NODE_KINDS: dict[str, NodeKind] = {
    "torch.nn.modules.linear.Linear": NodeKind("linear"),
    "torch.nn.modules.conv.Conv1d": NodeKind("conv1d"),
    "torch.nn.modules.conv.Conv2d": NodeKind("conv2d"),
    "torch.nn.modules.conv.Conv3d": NodeKind("conv3d"),
    "torch.nn.modules.conv.ConvTranspose1d": NodeKind("conv-transpose1d"),
    "torch.nn.modules.conv.ConvTranspose2d": NodeKind("conv-transpose2d"),
    "torch.nn.modules.conv.ConvTranspose3d": NodeKind("conv-transpose3d"),
    "zoo.layers.OffsetL2": NodeKind("offset-l2", weight="mu", distances=True),
}
"""Qualified class name, ``package.module.Class`` -> kind; subclasses are of their base's kind. Add your own."""


def node_kind(module: nn.Module) -> NodeKind | None:
    """Give the kind of a module's nodes, its bases' where it has none of its own; None if it holds no nodes.

    Examples
    --------
    >>> node_kind(nn.Conv2d(1, 3, 5)).name, node_kind(nn.ReLU())
    ('conv2d', None)
    """
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(module).__mro__)
    return next((NODE_KINDS[name] for name in names if name in NODE_KINDS), None)


def kind_named(name: str) -> NodeKind:
    """Give the kind of a layer by `NodeLayer.kind`.

    Examples
    --------
    >>> kind_named("offset-l2").weight
    'mu'
    """
    return next(kind for kind in NODE_KINDS.values() if kind.name == name)


def node_weight(module: nn.Module, kind: NodeKind) -> Tensor:
    """Give the tensor that holds a module's nodes, (N, D, ...): weights, or the centres of a distance layer."""
    weight = getattr(module, kind.weight)
    assert isinstance(weight, Tensor)
    return weight.detach()

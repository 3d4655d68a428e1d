"""Kinds of layers: modules whose parameters hold nodes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class NodeKind(NamedTuple):
    """How a kind of module holds its nodes.

    Attributes
    ----------
    name
        Name of the kind in tables and files. Names of convolutions start with ``conv``: their nodes are on axis 1 of
        the output and positions on the axes after it; nodes of all other kinds are on the last axis.
    weight
        Attribute of the module that holds the nodes (N, D, ...), one row for each output channel.
    distances
        Whether a node's value is its distance to a point, and not a weighted sum of its inputs.
    each_step
        Whether the module is called once for each time step of a run, so that its values are those of all calls.
    """

    name: str
    weight: str = "weight"
    distances: bool = False
    each_step: bool = False


NODE_KINDS: dict[str, NodeKind] = {
    "torch.nn.modules.linear.Linear": NodeKind("linear"),
    "torch.nn.modules.conv.Conv1d": NodeKind("conv1d"),
    "torch.nn.modules.conv.Conv2d": NodeKind("conv2d"),
    "torch.nn.modules.conv.Conv3d": NodeKind("conv3d"),
    "torch.nn.modules.conv.ConvTranspose1d": NodeKind("conv-transpose1d"),
    "torch.nn.modules.conv.ConvTranspose2d": NodeKind("conv-transpose2d"),
    "torch.nn.modules.conv.ConvTranspose3d": NodeKind("conv-transpose3d"),
    "interp.network.recurrent.sites.Gate": NodeKind("gate", each_step=True),
    "interp.network.recurrent.sites.Candidate": NodeKind("candidate", each_step=True),
    "interp.network.recurrent.sites.CellOutput": NodeKind("cell-output", each_step=True),
    "interp.network.recurrent.sites.Projection": NodeKind("cell-output", each_step=True),
    "zoo.layers.OffsetL2": NodeKind("offset-l2", weight="mu", distances=True),
}
"""Name of a class, ``package.module.Class`` -> kind; subclasses have the kind of their base. Add your own."""


def node_kind(module: nn.Module) -> NodeKind | None:
    """Find the kind of a module's nodes, by its class or the closest of its bases.

    Parameters
    ----------
    module
        Any module.

    Returns
    -------
    NodeKind or None
        Kind of its nodes; None where it holds no nodes.

    Examples
    --------
    >>> node_kind(nn.Conv2d(1, 3, 5)).name, node_kind(nn.ReLU())
    ('conv2d', None)
    """
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(module).__mro__)
    return next((NODE_KINDS[name] for name in names if name in NODE_KINDS), None)


def kind_named(name: str) -> NodeKind:
    """Find a kind by its name.

    Parameters
    ----------
    name
        Name of the kind, as in `NodeLayer.kind`.

    Examples
    --------
    >>> kind_named("offset-l2").weight
    'mu'
    """
    return next(kind for kind in NODE_KINDS.values() if kind.name == name)


def node_weight(module: nn.Module, kind: NodeKind) -> Tensor:
    """Give the tensor that holds a module's nodes (N, D, ...): weights, or the centres of a layer of distances."""
    weight = getattr(module, kind.weight)
    assert isinstance(weight, Tensor)
    return weight.detach()

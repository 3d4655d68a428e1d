"""Layer conductance (Dhamdhere, Sundararajan and Yan 2018) of many layers at once.

The sums are those of Captum's LayerConductance, in its order, so that the numbers are the same to the last bit. Captum
follows the path from the zero input once for every layer; here one pass serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from interp.network.hooks import tap
from interp.network.nodes import rows_of_nodes
from interp.network.tracing.calls import place_of
from interp.types import Array, LoadedModel, NodeLayer
from interp.verdict.attribution.in_place import out_of_place
from interp.verdict.attribution.target import Target

POINTS = 4
"""Number of points of the path that run at once; neighbouring batches share one."""

MOST_VALUES = 67_108_864
"""Largest number of values of z, over the layers that are attributed in one pass and the points of a batch."""


def conductance(target: Target, layers: Sequence[NodeLayer], steps: int) -> dict[str, Array]:
    """Give the mean absolute conductance of the nodes of each layer.

    It is computed at z: for an elementwise activation it is the same as at its output, since
    (dF/da)(da/dz)(dz/dx) = (dF/da)(da/dx).

    Parameters
    ----------
    target
        Output of the network that is attributed to the nodes.
    layers
        Layers whose nodes it is attributed to.
    steps
        Number of steps of the path from the zero input to a sample.

    Returns
    -------
    dict of Array
        Layer name -> conductance of each node (N,); NaN where no module's output is z, and where a part of the network
        has no gradients, as one that ONNX Runtime runs, or refuses the zero input, as one of sequences of length 0.
    """
    unknown = {layer.name: np.full(layer.nodes, np.nan) for layer in layers}
    if not has_gradients(target.model.module) or not _runs_at_zero(target):
        return unknown
    usable = {  # z is read off modules' outputs, samples on axis 0
        layer.name: site
        for layer in layers
        if isinstance(site := place_of(target.model.module, layer.tap), nn.Module) and layer.layout == "samples"
    }
    with out_of_place(target.model.module):
        for some in _groups(target, [layer for layer in layers if layer.name in usable]):
            found = _along_the_path(target, {layer.name: usable[layer.name] for layer in some}, steps)
            unknown |= {layer.name: _per_node(found[layer.name].detach().abs(), layer.kind) for layer in some}
    return unknown


def _groups(target: Target, layers: Sequence[NodeLayer]) -> Iterator[list[NodeLayer]]:
    """Take as many layers together as fit into memory."""
    values, some, held = _values_of(target.model, layers, target.x[:1]), list[NodeLayer](), 0
    for layer in layers:
        own = values[layer.name] * len(target.x) * POINTS
        if some and held + own > MOST_VALUES:
            yield some
            some, held = [], 0
        some.append(layer)
        held += own
    if some:
        yield some


@torch.no_grad()
def _values_of(model: LoadedModel, layers: Sequence[NodeLayer], x: Tensor) -> dict[str, int]:
    """Count the values of z of one sample in each layer."""
    with tap(model.module, layers) as seen:
        model.module(x)
    return {name: z.numel() for name, z in seen.items()}


def _along_the_path(target: Target, sites: Mapping[str, nn.Module], steps: int) -> dict[str, Tensor]:
    """Add up gradients times changes of z between neighbouring points, each with the shape of z.

    The points are those of the trapezoidal rule: Captum's default ones leave both ends of the path out (at 20 steps
    0.6 % of it), so that scores of a linear network would not sum to the change of its output.
    """
    points, count, total = torch.linspace(0, 1, steps + 1).tolist(), len(target.x), dict[str, Tensor]()
    for start in range(0, steps, POINTS - 1):
        some = points[start : start + POINTS]
        x = torch.cat([0 + point * (target.x - 0) for point in some]).requires_grad_()
        found, gradients = _gradients(target, sites, x, target.column.repeat(len(some)))
        for name, z, gradient in zip(sites, found, gradients, strict=True):
            added = (z[count:] - z[:-count]) * gradient[:-count]
            added = added.reshape(len(some) - 1, count, *z.shape[1:]).sum(dim=0).detach()
            total[name] = total[name] + added if name in total else added
    return total


def _gradients(
    target: Target, sites: Mapping[str, nn.Module], x: Tensor, column: Tensor
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Give z of each site at some points, and the gradients of the outputs with respect to it."""
    with torch.enable_grad(), _kept(sites.values()) as kept:
        outputs = target.forward(x).gather(1, column[:, None])[:, 0]
        found = [kept[site] for site in sites.values()]
        return found, torch.autograd.grad(torch.unbind(outputs), found, allow_unused=True, materialize_grads=True)


@contextmanager
def _kept(sites: Iterable[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """Keep what modules give, and go on with a copy: what follows may be in place."""
    kept: dict[nn.Module, Tensor] = {}

    def keep(site: nn.Module, inputs: object, output: Tensor) -> Tensor:
        kept[site] = output if output.requires_grad else output.requires_grad_()
        return output.clone()

    with ExitStack() as stack:
        for site in dict.fromkeys(sites):
            stack.callback(site.register_forward_hook(keep).remove)
        yield kept


@torch.no_grad()
def _runs_at_zero(target: Target) -> bool:
    """Tell whether the network takes the path's first point: a sequence of length 0, say, is none."""
    try:
        target.forward(torch.zeros_like(target.x[:1]))
    except Exception:  # any module may fail in its own way
        return False
    return True


def has_gradients(module: nn.Module) -> bool:
    """Whether every part of a network passes gradients on; a part that does not says so by `has_gradients`."""
    return all(getattr(part, "has_gradients", True) for part in module.modules())


def _per_node(values: Tensor, kind: str) -> Array:
    """Give the mean over samples of the sum over positions, (N,)."""
    rows = rows_of_nodes(values, kind)
    summed = rows.reshape(len(values), -1, rows.shape[1]).sum(1)
    return np.asarray(summed.mean(0).cpu().double())

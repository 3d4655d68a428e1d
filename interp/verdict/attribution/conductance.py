"""Layer conductance (Dhamdhere, Sundararajan and Yan 2018), by Captum."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from interp.network.nodes import rows_of_nodes
from interp.network.tracing.calls import place_of
from interp.types import Array
from interp.verdict.attribution.in_place import out_of_place
from interp.verdict.attribution.target import Target


def conductance(target: Target, steps: int) -> Array:
    """Give the mean absolute conductance of each node.

    It is computed at z: for an elementwise activation it is the same as at its output, since
    (dF/da)(da/dz)(dz/dx) = (dF/da)(da/dx).

    Parameters
    ----------
    target
        Output of the network that is attributed to the nodes.
    steps
        Number of points on the path from the zero input, both ends included.

    Returns
    -------
    Array
        Conductance of each node (N,); NaN where no module's output is z, and where a part of the network has no
        gradients, as one that ONNX Runtime runs, or refuses the zero input, as one of sequences of length 0.
    """
    from captum.attr import LayerConductance

    layer, x = target.layer, target.x
    site = place_of(target.model.module, layer.tap)
    if not isinstance(site, nn.Module) or layer.layout != "samples" or not has_gradients(target.model.module):
        return np.full(layer.nodes, np.nan)  # Captum reads outputs of modules, samples on axis 0
    if not _runs_at_zero(target):
        return np.full(layer.nodes, np.nan)
    with out_of_place(target.model.module):
        method = LayerConductance(target.forward, site)
        # Captum adds up changes of z between the path's points; its default points leave both ends out (at 20 steps
        # 0.6 % of the path), so that scores of a linear network would not sum to the change of its output.
        scores = method.attribute(
            x, baselines=0, target=target.column, n_steps=steps, method="riemann_trapezoid",
            internal_batch_size=len(x) * 4,
        )  # fmt: skip
    return _per_node(scores.detach().abs(), layer.kind)


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

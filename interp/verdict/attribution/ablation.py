"""Change of an output when a node is silenced, by our hooks and by Captum's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from interp.interventions import ablate
from interp.interventions.edits import on_values
from interp.network.hooks import edit, tap
from interp.network.nodes import rows_of_nodes
from interp.network.tracing.calls import place_of
from interp.types import Array
from interp.verdict.attribution.in_place import out_of_place
from interp.verdict.attribution.target import Target

SILENT_AT_ZERO = ("identity", "relu", "abs", "tanh", "gelu", "silu", "elu", "leaky_relu")
"""Activations with f(0) = 0: Captum sets z to 0, which silences the output of these only."""


@torch.no_grad()
def ablation(target: Target, nodes: Array) -> Array:
    """Give the mean absolute change of the output when a node's output is set to 0, by our hooks.

    Parameters
    ----------
    target
        Output of the network whose change is measured.
    nodes
        Indices of the nodes to silence (M,).

    Returns
    -------
    Array
        Change for each node (N,); NaN for nodes that were not silenced.
    """
    layer, base = target.layer, target.values(is_plain=True)
    changes = np.full(layer.nodes, np.nan)
    for node in map(int, nodes):
        with edit(target.model.module, layer, *on_values(ablate(node, 0), layer)):
            changes[node] = float((base - target.values()).abs().double().mean())
    return changes


@torch.no_grad()
def captum_ablation(target: Target, nodes: Array, most: int) -> Array:
    """Give the mean absolute change of the output when a node is silenced, by Captum's LayerFeatureAblation.

    Parameters
    ----------
    target
        Output of the network whose change is measured.
    nodes
        Indices of the nodes to silence (M,).
    most
        Largest number of nodes that are silenced; where there are more, none is, as each takes a run of the network.

    Returns
    -------
    Array
        Change for each node (N,); NaN for nodes that were not silenced, and for all where z is no module's output or
        f(0) is not 0.
    """
    from captum.attr import LayerFeatureAblation

    layer = target.layer
    found = np.full(layer.nodes, np.nan)
    if layer.activation not in SILENT_AT_ZERO:
        return found
    site, mask = place_of(target.model.module, layer.tap), node_mask(target, nodes)
    if not isinstance(site, nn.Module) or mask is None or len(nodes) > most:
        return found
    method = LayerFeatureAblation(target.again, site)
    with out_of_place(target.model.module):
        scores = method.attribute(target.x, layer_baselines=0, target=target.column, layer_mask=mask)
    changes = rows_of_nodes(scores, layer.kind)  # one score for each node, repeated over positions
    found[nodes] = changes.abs().mean(0).cpu().double().numpy()[nodes]
    return found


def node_mask(target: Target, nodes: Array) -> Tensor | None:
    """Give every value of z the number of the group that it is silenced with: one for each node, one for all others.

    Parameters
    ----------
    target
        Output of the network, with the layer.
    nodes
        Indices of the nodes to silence (M,).

    Returns
    -------
    Tensor or None
        Number of the group of every value of z for one sample (1, ...); None where samples are not on axis 0.
    """
    layer, x = target.layer, target.x
    with tap(target.model.module, [layer]) as seen:
        target.model.module(x[:1])
    shape = seen[layer.name].shape
    groups = torch.full((layer.nodes,), len(nodes), device=x.device)
    groups[torch.from_numpy(nodes).to(x.device)] = torch.arange(len(nodes), device=x.device)
    if layer.layout != "samples":
        return None
    if not layer.kind.startswith("conv"):
        return groups.expand(1, *shape[1:])
    return groups.view(1, -1, *(1 for _ in shape[2:])).expand(1, *shape[1:])

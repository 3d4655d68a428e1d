"""Weights and biases of a layer with the batch norm behind it folded in, where z = w.x + b holds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from interp.network.hooks import tap
from interp.network.kinds import kind_named
from interp.network.maps.read import read_by
from interp.network.nodes import rows_of_nodes
from interp.network.tracing.calls import place_of
from interp.network.tracing.offloaded import with_values
from interp.types import Array, NodeLayer

AGREES = 1e-3
"""Largest difference between w.x + b and z, relative to 1 + the largest |z|, at which w and b are the layer's map."""


@torch.no_grad()
def affine_map(module: nn.Module, layer: NodeLayer, example: Tensor) -> tuple[Array, Array] | None:
    """Give weights w and biases b with batch-norm folded in, such that z = w.x + b.

    Parameters
    ----------
    module
        Network that the layer is part of.
    layer
        Layer whose map is wanted.
    example
        At least one sample as the module takes it, on which z = w.x + b is tested.

    Returns
    -------
    tuple or None
        Weights (N, D) and biases (N,), float64; None where z = w.x + b does not hold, as for distances and for modules
        that do more than multiply.

    Examples
    --------
    >>> weight, bias = affine_map(
    ...     nn.Sequential(nn.Linear(2, 3)), NodeLayer("0", "linear", 3, 2, "identity", "0"), torch.ones(1, 2)
    ... )
    >>> weight.shape, bias.shape
    ((3, 2), (3,))
    """
    if kind_named(layer.kind).distances:
        return None
    read = read_by(module, layer, example)
    with tap(module, [layer], to_end=False) as values:
        module(example)
    z = rows_of_nodes(values[layer.name], layer.kind).double().cpu()
    scale, shift = _norm_map(module, layer)
    weight, bias = read.weight * scale[:, None], read.bias * scale + shift
    count = len(z) // len(example)
    index = torch.arange(len(example)).repeat_interleave(min(count, 8))
    position = torch.linspace(0, count - 1, min(count, 8)).long().repeat(len(example))
    if weight.shape[1] != layer.inputs or len(weight) != layer.nodes:
        return None
    x = read.rows(len(example), index, position).double().cpu()
    error = (x @ weight.T + bias - z[index * count + position]).abs().max()
    return (np.asarray(weight), np.asarray(bias)) if bool(error <= AGREES * (1 + z.abs().max())) else None


def _norm_map(module: nn.Module, layer: NodeLayer) -> tuple[Tensor, Tensor]:
    """Give scale and shift of the batch norm that z is the output of, (N,) each; ones and zeros without one."""
    norm = place_of(module, layer.tap.removesuffix(".running_mean"))
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm) or norm.running_mean is None or norm.running_var is None:
        return torch.ones(layer.nodes, dtype=torch.float64), torch.zeros(layer.nodes, dtype=torch.float64)
    scale = 1 / torch.sqrt(norm.running_var.double().cpu() + norm.eps)
    if norm.affine:
        scale = scale * with_values(norm, "weight", norm.weight).detach().double().cpu()
    shift = -norm.running_mean.double().cpu() * scale
    return scale, shift + (with_values(norm, "bias", norm.bias).detach().double().cpu() if norm.affine else 0)

"""Convolutions and norms of a bare state dict that stand before its recurrent layers, or behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import NamedTuple

from torch import Tensor, nn

from interp.checkpoints.inference.rebuild import norm_part
from interp.checkpoints.inference.stack.layers import Layer, Norm
from interp.checkpoints.inference.stack.own_norms import is_own_norm
from interp.network.activations import Activation

MEAN = ".running_mean"


class Front(NamedTuple):
    """What is done around convolutions over time, which their tensors do not tell.

    Attributes
    ----------
    padded
        Whether sequences keep their length, by zeros at both ends.
    activation
        Activation behind each convolution.
    pool
        Number of steps that are made one by their maximum, behind each convolution; 1 for none.
    """

    padded: bool
    activation: str
    pool: int

    def __str__(self) -> str:
        pooled = f"maximum of {self.pool} steps" if self.pool > 1 else "no pooling"
        return f"{'padded' if self.padded else 'not padded'}, {self.activation}, {pooled}"


FRONTS = tuple(Front(*one) for one in product((True, False), ("relu", "tanh", "gelu", "identity"), (1, 2)))
"""What is tried, the usual first."""


def convolutions(rest: Mapping[str, Tensor], width: int) -> list[Layer]:
    """Take weights over time (N, C, K) for convolutions, where they follow each other and the last gives `width`.

    Parameters
    ----------
    rest
        Tensors beside the recurrent layers, by name.
    width
        Number of values that the first recurrent layer reads.

    Returns
    -------
    list of Layer
        Convolutions in running order; empty where there are none, or they do not follow each other.
    """
    names = [name for name, tensor in rest.items() if tensor.dim() == 3 and name.endswith(".weight")]
    found = [
        Layer(name.removesuffix(".weight"), rest[name].float(), rest.get(f"{name.removesuffix('weight')}bias"))
        for name in names
    ]
    follow = all(len(first.weight) == second.weight.shape[1] for first, second in pairwise(found))
    return found if found and follow and len(found[-1].weight) == width else []


def norms_of(rest: Mapping[str, Tensor]) -> list[Norm]:
    """List the norms among some tensors, in the order of the file."""
    found = []
    for name in rest:
        parent, _, own = name.rpartition(".")
        if own == "running_var" or (own == "weight" and is_own_norm(name, rest)):
            held = (rest.get(f"{parent}.{one}") for one in ("running_mean", "running_var", "weight", "bias"))
            found.append(Norm(parent, *(None if one is None else one.float() for one in held)))
    return found


def without(rest: Mapping[str, Tensor], parts: Sequence[Layer | Norm]) -> dict[str, Tensor]:
    """Leave out the tensors of some layers and norms."""
    names = {part.name for part in parts}
    return {name: tensor for name, tensor in rest.items() if name.rpartition(".")[0] not in names}


def with_norms(layers: Sequence[Layer], norms: Sequence[Norm]) -> list[Layer]:
    """Give each convolution the batch norm of its width that stands next."""
    left = [norm for norm in norms if norm.mean is not None]
    found = []
    for layer in layers:
        fits = left and left[0].width == len(layer.weight)
        found.append(replace(layer, norm=left.pop(0)) if fits else layer)
    return found


def steps_behind(layers: Sequence[Layer], front: Front, steps: int) -> int:
    """Count the steps that convolutions leave."""
    for layer in layers:
        kernel = layer.weight.shape[2]
        steps = (steps + 2 * (kernel // 2) * front.padded - kernel + 1) // front.pool
    return max(steps, 0)


def front_steps(layers: Sequence[Layer], front: Front) -> list[tuple[str, nn.Module]]:
    """Build convolutions with norm, activation and pooling behind each, under the names of the file."""
    found: list[tuple[str, nn.Module]] = []
    for layer in layers:
        nodes, channels, kernel = layer.weight.shape
        part = nn.Conv1d(
            channels, nodes, kernel, padding=kernel // 2 if front.padded else 0, bias=layer.bias is not None
        )
        part.load_state_dict({"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias}))
        found.append((layer.name, part.eval()))
        if layer.norm is not None:
            found.append((layer.norm.name, norm_part(layer.norm, 3).eval()))
        if front.activation != "identity":
            found.append((f"{layer.name}_{front.activation}", Activation(front.activation)))
        if front.pool > 1:
            found.append((f"{layer.name}_pool", nn.MaxPool1d(front.pool)))
    return found

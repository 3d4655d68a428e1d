"""Ways to start a network, every draw from the generator that is passed in.

To add one, write a function ``(module, generator, inputs) -> None`` and one line in `INITS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from zoo.layers import OffsetL2

Init = Callable[[nn.Module, torch.Generator, Tensor], None]


def pytorch_default(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw as `nn.Linear` does by itself: weights and biases uniform in +-1/sqrt(inputs of a node)."""
    for layer in _affine_layers(module):
        nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
        if layer.bias is not None:
            bound = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    _offsets(module, generator)


def he_normal(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw weights from N(0, 2 / inputs of a node) and set biases to zero (as-NN, experiment 2)."""
    for layer in _affine_layers(module):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        _zero_bias(layer)
    _offsets(module, generator)


def xavier_uniform(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw weights uniform in +-sqrt(6 / (inputs + outputs)) and set biases to zero (as-NN, experiment 1)."""
    for layer in _affine_layers(module):
        nn.init.xavier_uniform_(layer.weight, generator=generator)
        _zero_bias(layer)
    _offsets(module, generator)


def he_normal_sampled(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Start as `he_normal`, with every boundary of the first layer through ONE training sample (as-NN)."""
    he_normal(module, generator, inputs)
    first = next(_affine_layers(module))
    if first.bias is not None and first.weight.dim() == 2:
        row = int(torch.randint(len(inputs), (), generator=generator))
        first.bias.data.copy_(bias_through(first.weight.data, inputs[row].reshape(-1)))


def bias_through(weight: Tensor, point: Tensor) -> Tensor:
    """Return b = -W z, so that every boundary passes through z.

    Parameters
    ----------
    weight
        (..., N, D).
    point
        (..., D); a point per leading index.

    Returns
    -------
    Tensor
        (..., N).
    """
    return -(weight * point.unsqueeze(-2)).sum(dim=-1)


def box_points(count: int, side: float, width: int, generator: torch.Generator) -> Tensor:
    """Draw `count` points uniform in [-side, side]^width, (count, width)."""
    return (torch.rand(count, width, generator=generator) * 2 - 1) * side


INITS: dict[str, Init] = {
    "default": pytorch_default,
    "he-normal": he_normal,
    "he-normal-sampled": he_normal_sampled,
    "xavier-uniform": xavier_uniform,
}


def _affine_layers(module: nn.Module) -> Iterator[nn.Linear | nn.Conv2d]:
    return (layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d))


def _zero_bias(layer: nn.Linear | nn.Conv2d) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _offsets(module: nn.Module, generator: torch.Generator) -> None:
    for layer in module.modules():
        if isinstance(layer, OffsetL2):
            layer.reset_parameters(generator)

"""Initialisations of a network; all random numbers come from the generator that is passed in.

To add one, write a function ``(module, generator, inputs) -> None`` that draws the parameters in place, with
``inputs`` the scaled training inputs (S, ...), and one line in `INITS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from zoo.layers import OffsetL2

Init = Callable[[nn.Module, torch.Generator, Tensor], None]


def pytorch_default(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw weights and biases as torch does by itself: uniform in +-1/sqrt(number of inputs of a node).

    Parameters
    ----------
    module
        Network whose parameters are drawn in place.
    generator
        Random number generator on the CPU.
    inputs
        Scaled training inputs, (S, ...), of which nothing is used.

    Examples
    --------
    >>> layer = nn.Linear(100, 5)
    >>> pytorch_default(layer, torch.Generator().manual_seed(0), torch.empty(0, 100))
    >>> bool((layer.weight.abs() <= 0.1).all())
    True
    """
    for layer in _affine_layers(module):
        nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
        if layer.bias is not None:
            bound = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    _offsets(module, generator)


def he_normal(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw weights from N(0, 2 / number of inputs of a node) and set biases to zero (as-NN, experiment 2).

    Parameters
    ----------
    module
        Network whose parameters are drawn in place.
    generator
        Random number generator on the CPU.
    inputs
        Scaled training inputs, (S, ...), of which nothing is used.
    """
    for layer in _affine_layers(module):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        _zero_bias(layer)
    _offsets(module, generator)


def xavier_uniform(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw weights uniform in +-sqrt(6 / (inputs + outputs)) and set biases to zero (as-NN, experiment 1).

    Parameters
    ----------
    module
        Network whose parameters are drawn in place.
    generator
        Random number generator on the CPU.
    inputs
        Scaled training inputs, (S, ...), of which nothing is used.
    """
    for layer in _affine_layers(module):
        nn.init.xavier_uniform_(layer.weight, generator=generator)
        _zero_bias(layer)
    _offsets(module, generator)


def he_normal_sampled(module: nn.Module, generator: torch.Generator, inputs: Tensor) -> None:
    """Draw as `he_normal` does, then put every boundary of the first layer through ONE training sample (as-NN).

    Parameters
    ----------
    module
        Network whose parameters are drawn in place.
    generator
        Random number generator on the CPU.
    inputs
        Scaled training inputs, (S, ...), one of which is drawn.
    """
    he_normal(module, generator, inputs)
    first = next(_affine_layers(module))
    if first.bias is not None and first.weight.dim() == 2:
        row = int(torch.randint(len(inputs), (), generator=generator))
        first.bias.data.copy_(bias_through(first.weight.data, inputs[row].reshape(-1)))


def bias_through(weight: Tensor, point: Tensor) -> Tensor:
    """Give b = -W z, with which every boundary passes through z (as-NN, bias sampling).

    Parameters
    ----------
    weight
        Weights, (..., N, D).
    point
        Point z for each leading index, (..., D).

    Returns
    -------
    Tensor
        Biases, (..., N).

    Examples
    --------
    >>> bias_through(torch.tensor([[1.0, 2.0]]), torch.tensor([3.0, 4.0]))
    tensor([-11.])
    """
    return -(weight * point.unsqueeze(-2)).sum(dim=-1)


def box_points(count: int, side: float, width: int, generator: torch.Generator) -> Tensor:
    """Draw points uniformly from the box [-side, side]^width.

    Parameters
    ----------
    count
        Number of points.
    side
        Half the length of the box's edges.
    width
        Number of dimensions.
    generator
        Random number generator on the CPU.

    Returns
    -------
    Tensor
        Points, (count, width).

    Examples
    --------
    >>> points = box_points(100, 8.0, 2, torch.Generator().manual_seed(0))
    >>> points.shape, bool((points.abs() <= 8).all())
    (torch.Size([100, 2]), True)
    """
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

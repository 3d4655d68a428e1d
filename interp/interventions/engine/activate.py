"""Activations that may overwrite what they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from interp.network.activations import Activation
from interp.network.chain import run

IN_PLACE_BY_NAME: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
    "abs": torch.abs_,
}
"""Name of one of `interp.network.activations` -> the same in place: z is ours, and a new tensor for each edit costs
more than the arithmetic."""

IN_PLACE_BY_CLASS: dict[str, Callable[[Tensor], Tensor]] = {
    "torch.nn.modules.activation.ReLU": torch.relu_,
    "torch.nn.modules.activation.Tanh": torch.tanh_,
    "torch.nn.modules.activation.Sigmoid": torch.sigmoid_,
    "zoo.layers.Abs": torch.abs_,
}
"""Qualified name of a module's class -> its function in place."""


def activate(steps: Sequence[nn.Module], z: Tensor) -> Tensor:
    """Run a layer's activation on values that nothing else reads, and that may be overwritten.

    Parameters
    ----------
    steps
        Steps from z up to and with the activation.
    z
        Pre-activations (B, N, ...).
    """
    if len(steps) != 1:
        return run(steps, z)
    step = steps[0]
    if isinstance(step, Activation):
        return IN_PLACE_BY_NAME.get(step.name, step)(z)
    return IN_PLACE_BY_CLASS.get(f"{type(step).__module__}.{type(step).__qualname__}", step)(z)

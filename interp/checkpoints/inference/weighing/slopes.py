"""Slope of the loss in every weight, with how much it differs between blocks of rows.

Training ends where the loss no longer changes with the weights, so under the activation that was trained slopes are
small beside their spread, and under another they are not. Weight decay leaves a slope along the weights themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from interp.types import Array

MOST = 20_000
"""Largest number of weights of one tensor that are looked at, evenly spaced."""


@dataclass(frozen=True)
class Slopes:
    """Slopes of the loss of some rows in the weights of one tensor; N of them.

    Attributes
    ----------
    weights
        Weights themselves, (N,).
    total
        Sum of the slopes of all rows, (N,).
    squares
        Sum over blocks of rows of the squared sum of their slopes, (N,).
    is_map
        Whether these are the weights of a linear map, not biases or a norm's.
    """

    weights: Array
    total: Array
    squares: Array
    is_map: bool

    @property
    def size(self) -> float:
        """Logarithm of the mean squared t value of a slope, but for what weight decay leaves."""
        used = self.squares > 0
        if not used.any():
            return 0.0
        t, weights = self.total[used] / np.sqrt(self.squares[used]), self.weights[used]
        decay = max(0.0, -float(t @ weights) / max(float(weights @ weights), 1e-30))
        return float(np.log(np.mean((t + decay * weights) ** 2) + 0.1))


def every(part: Tensor) -> int:
    """Give the distance between those of a tensor's flattened weights that are looked at.

    Examples
    --------
    >>> every(torch.zeros(200, 100)), every(torch.zeros(200, 101))
    (1, 2)
    """
    return max(1, -(-part.numel() // MOST))


class SlopeSums:
    """Sums of slopes in the weights of some modules, a block of rows after the other.

    Parameters
    ----------
    modules
        Modules of a network, in any order.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.parameters = [part.requires_grad_() for module in modules for part in module.parameters()]
        self._strides = [every(part) for part in self.parameters]
        self._total: list[Tensor] = [torch.zeros(()) for _ in self.parameters]
        self._squares: list[Tensor] = [torch.zeros(()) for _ in self.parameters]

    def looked_at(self, slopes: Sequence[Tensor]) -> list[Tensor]:
        """Give those slopes that are summed, of each of some blocks: a tensor (B, ...) for each of `parameters`."""
        return [slope.flatten(1)[:, ::stride].double() for slope, stride in zip(slopes, self._strides, strict=True)]

    def add(self, looked_at: Sequence[Tensor]) -> None:
        """Add those slopes of the summed loss of each of some blocks that are looked at, (B, ...) each."""
        for number, some in enumerate(one.flatten(1).double() for one in looked_at):
            self._total[number] = self._total[number] + some.sum(0)
            self._squares[number] = self._squares[number] + (some**2).sum(0)

    def found(self) -> list[Slopes]:
        """Give what was summed, a tensor after the other."""
        parts = zip(self.parameters, self._strides, self._total, self._squares, strict=True)
        return [
            Slopes(
                part.detach().flatten()[::stride].double().numpy(),
                np.nan_to_num(total.numpy(), posinf=1e30, neginf=-1e30),
                np.nan_to_num(squares.numpy(), nan=1e30, posinf=1e30),
                part.dim() > 1,
            )
            for part, stride, total, squares in parts
        ]

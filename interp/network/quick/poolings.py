"""The maximum of neighbours, taken faster by comparing shifted maps, or where channels lie side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function_unary

FEWEST_CHANNELS = 8
"""Smallest number of channels from which it pays to lay them side by side."""


class QuickMaxPool2d(nn.MaxPool2d):
    """A `torch.nn.MaxPool2d` that gives the same to the last bit.

    It compares shifted maps where windows are square and lie side by side, and nobody asks for gradients, which differ
    where several values of a window are the largest; else it lays channels side by side for its work.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Take the maxima of inputs (B, C, H, W)."""
        return max_pool2d(input, self)

    def maxima(self, input: Tensor) -> Tensor:
        """Take the maxima, which nobody follows by the calls inside."""
        side, is_sloped = self._side(), torch.is_grad_enabled() and input.requires_grad
        if 0 < side <= min(input.shape[-2:]) and input.device.type == "cpu" and not is_sloped:
            return window_maxima(input, side)
        if input.dim() != 4 or input.shape[1] < FEWEST_CHANNELS or self.return_indices or input.device.type != "cpu":
            return super().forward(input)  # type: ignore[no-any-return]
        found: Tensor = super().forward(input.contiguous(memory_format=torch.channels_last))
        return found.contiguous()

    def _side(self) -> int:
        """Give the side of windows that are square and lie side by side; 0 of others."""
        size, stride, padding, dilation = map(_both, (self.kernel_size, self.stride, self.padding, self.dilation))
        plain = padding == (0, 0) and dilation == (1, 1) and not self.ceil_mode and not self.return_indices
        return size[0] if plain and size == stride and size[0] == size[1] else 0


def max_pool2d(input: Tensor, part: QuickMaxPool2d) -> Tensor:
    """Run a pooling as one call of torch's name, which modes that follow values through the network recognise.

    Parameters
    ----------
    input
        Maps (B, C, H, W).
    part
        Pooling to run.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(max_pool2d, (input,), input, part)
    return part.maxima(input)


def _both(given: int | Sequence[int]) -> tuple[int, ...]:
    """Give the values of both axes; as torch has it, one alone is that of both."""
    values = (given,) if isinstance(given, int) else tuple(given)
    return values * 2 if len(values) == 1 else values


def window_maxima(values: Tensor, side: int, larger: Callable[[Tensor, Tensor], Tensor] = torch.maximum) -> Tensor:
    """Give the largest value of each window, (..., H // side, W // side); what fills no window is left out.

    Parameters
    ----------
    values
        Maps (..., H, W).
    side
        Side of the square windows in positions, which is also the distance between them.
    larger
        Function that chooses of two maps; `torch.minimum` for the least value of each window.

    Examples
    --------
    >>> window_maxima(torch.arange(20.0).reshape(4, 5), 2)
    tensor([[ 6.,  8.],
            [16., 18.]])
    """
    high, wide = (length // side * side for length in values.shape[-2:])
    rows = reduce(larger, [values[..., at:high:side, :wide] for at in range(side)])
    return reduce(larger, [rows[..., at::side] for at in range(side)])

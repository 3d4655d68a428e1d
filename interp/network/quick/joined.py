"""Neighbouring parts of a convolutional network, joined or exchanged for the same outputs in less time.

A batch norm in eval mode is a scale and a shift of each channel, which the convolution before it can take over. The
maximum over a window of activations is the activation of the maximum where the function never falls, of a quarter of
the values; where it falls and then rises, it is that of the maximum or of the minimum. Outputs differ by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from interp.network.activations import ACTIVATIONS, RISING, Activation
from interp.network.quick.poolings import window_maxima


class NormedConv2d(nn.Module):
    """A convolution with the batch norm in eval mode behind it, as one convolution, whose gradients are those of both.

    Parameters
    ----------
    convolution
        Convolution padded with zeros.
    norm
        Batch norm with running moments.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.convolution, self.norm = convolution, norm

    def forward(self, input: Tensor) -> Tensor:
        """Run both on inputs (B, C, H, W)."""
        one, norm = self.convolution, self.norm
        assert norm.running_var is not None
        assert norm.running_mean is not None
        scale = torch.rsqrt(norm.running_var + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = -norm.running_mean if one.bias is None else one.bias - norm.running_mean
        bias = shift * scale if norm.bias is None else shift * scale + norm.bias
        weight = one.weight * scale[:, None, None, None]
        return functional.conv2d(input, weight, bias, one.stride, one.padding, one.dilation, one.groups)

    def fused(self) -> nn.Conv2d:
        """Give a convolution of its own that does the same without gradients."""
        return fuse_conv_bn_eval(self.convolution, self.norm)


class WindowEnds(nn.Module):
    """The largest and the least value of each window, as a pair.

    Parameters
    ----------
    side
        Side of the square windows in positions, which is also the distance between them.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Give both of maps (B, C, H, W), each (B, C, H // side, W // side)."""
        return window_maxima(input, self.side), window_maxima(input, self.side, torch.minimum)


class LargerEnd(nn.Module):
    """The larger of the activations at both ends of a window.

    Parameters
    ----------
    name
        Key of `ACTIVATIONS`, of a function in `interp.network.activations.DIPPING`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, ends: tuple[Tensor, Tensor]) -> Tensor:
        """Apply it to what `WindowEnds` gives."""
        return torch.maximum(*(ACTIVATIONS[self.name](end) for end in ends))


def joined(steps: Sequence[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Join convolutions with their batch norms, and let activations that never fall act behind maxima.

    Parameters
    ----------
    steps
        Names and modules of a chain in eval mode, in the order in which they run.

    Returns
    -------
    list
        Names and modules of a chain with the same outputs, for passes without gradients.

    Examples
    --------
    >>> [name for name, _ in joined([("act", Activation("relu")), ("pool", nn.MaxPool2d(2)), ("flat", nn.Flatten())])]
    ['pool', 'act', 'flat']
    """
    found: list[tuple[str, nn.Module]] = []
    for name, step in steps:
        before = found[-1][1] if found else None
        if type(before) is nn.Conv2d and type(step) is nn.BatchNorm2d and _is_fixed(before, step):
            found[-1] = found[-1][0], fuse_conv_bn_eval(before, step)
        elif type(step) is nn.MaxPool2d and _is_rising(before):
            found.insert(len(found) - 1, (name, step))
        else:
            found.append((name, step))
    return found


def _is_fixed(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    return norm.running_var is not None and not (norm.training or convolution.training)


def _is_rising(part: nn.Module | None) -> bool:
    return type(part) in (nn.ReLU, nn.Sigmoid, nn.Tanh) or (type(part) is Activation and part.name in RISING)

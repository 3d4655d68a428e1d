"""The layers of a bare state dict, before anything is known of what runs between them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

USE_MODEL = "pass your own class with --model package.module:callable"


@dataclass(frozen=True)
class Norm:
    """A norm's stored numbers, each (N,).

    Attributes
    ----------
    mean, var
        Running mean and variance of a batch-norm; None of a layer norm or RMS norm, which take each sample's own.
    weight
        Factors; None where a batch-norm has none.
    bias
        Summands; None where a batch-norm has none, and of an RMS norm.
    """

    name: str
    mean: Tensor | None
    var: Tensor | None
    weight: Tensor | None
    bias: Tensor | None

    @property
    def kind(self) -> str:
        """Word for it."""
        if self.mean is not None:
            return "batch-norm"
        return "RMS norm" if self.bias is None else "layer norm"

    @property
    def width(self) -> int:
        """Number of values that it scales."""
        held = self.weight if self.mean is None else self.mean
        assert held is not None
        return len(held)


@dataclass(frozen=True)
class Layer:
    """One dense layer or convolution and the norm stored after it.

    Attributes
    ----------
    weight
        Weights, (N, D), or (N, C, h, w) of a convolution.
    padding, stride
        Padding and stride of a convolution, where the file states them.
    groups
        Number of groups of a convolution, as stated, or 1 until the chain of shapes says otherwise.
    slope
        Slopes of the PReLU behind it, (N,) or (1,); None where there is none.
    """

    name: str
    weight: Tensor
    bias: Tensor | None
    norm: Norm | None = None
    padding: int | None = None
    stride: int | None = None
    groups: int = 1
    slope: Tensor | None = None

    @property
    def is_convolution(self) -> bool:
        """Whether its nodes read patches."""
        return self.weight.dim() == 4

    @property
    def channels(self) -> int:
        """Number of channels, or values, that it reads."""
        return self.weight.shape[1] * self.groups

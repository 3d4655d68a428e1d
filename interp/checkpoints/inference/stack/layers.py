"""The layers of a bare state dict, before anything is known of what runs between them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

USE_MODEL = "pass your own class with --model package.module:callable"


@dataclass(frozen=True)
class Norm:
    """A batch-norm's stored numbers, each (N,)."""

    name: str
    mean: Tensor
    var: Tensor
    weight: Tensor | None
    bias: Tensor | None


@dataclass(frozen=True)
class Layer:
    """One dense layer or convolution and the batch-norm stored after it.

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

"""Modules for what graphs do beside layers: arithmetic, reshaping, joining."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from interp.checkpoints.graph.steps import Part
from interp.network.activations import Activation, Negate

ARITHMETIC: dict[str, Callable[..., Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}


class Arithmetic(nn.Module):
    """One of `ARITHMETIC` on two values, or on one and a constant, which may stand first."""

    def __init__(self, name: str, constant: Tensor | None = None, constant_first: bool = False) -> None:
        super().__init__()
        self.name, self.constant_first = name, constant_first
        self.constant: Tensor | None
        self.register_buffer("constant", constant)

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        """Apply it to values of shapes that broadcast."""
        other = self.constant if second is None else second
        pair = (other, first) if self.constant_first else (first, other)
        return ARITHMETIC[self.name](*pair)


class Unary(nn.Module):
    """A function of one value that is no activation by itself."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, values: Tensor) -> Tensor:
        """Apply it to values of any shape."""
        return UNARY[self.name](values)


UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "erf": torch.erf,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "reciprocal": torch.reciprocal,
    "sign": torch.sign,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "sin": torch.sin,
    "cos": torch.cos,
    "atan": torch.atan,
    "softsign": F.softsign,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "asinh": torch.asinh,
    "acosh": torch.acosh,
    "atanh": torch.atanh,
}


class SlopedHardsigmoid(nn.Module):
    """A line cut off at 0 and 1, of any slope and offset."""

    def __init__(self, slope: float, offset: float) -> None:
        super().__init__()
        self.slope, self.offset = slope, offset

    def forward(self, values: Tensor) -> Tensor:
        """Apply it to values of any shape."""
        return torch.clamp(values * self.slope + self.offset, 0, 1)


class LastAxisPReLU(nn.PReLU):
    """A PReLU with one slope for each place on the last axis, on which torch has axis 1."""

    def forward(self, values: Tensor) -> Tensor:
        """Apply it to values (B, ..., N)."""
        return super().forward(values) if values.dim() == 2 else torch.where(values < 0, values * self.weight, values)


class CoercedSoftmax(nn.Module):
    """The softmax of ONNX before version 13: over all axes from one on, taken as one axis."""

    def __init__(self, dim: int, logarithm: bool) -> None:
        super().__init__()
        self.dim, self.logarithm = dim, logarithm

    def forward(self, values: Tensor) -> Tensor:
        """Apply it to values of two axes or more."""
        flat = values if self.dim % values.dim() == values.dim() - 1 else values.flatten(self.dim)
        found = flat.log_softmax(-1) if self.logarithm else flat.softmax(-1)
        return found if found.shape == values.shape else found.reshape(values.shape)


class Squeeze(nn.Module):
    """Axes of length one taken away."""

    def __init__(self, dim: tuple[int, ...]) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, values: Tensor) -> Tensor:
        """Take axes from values (B, ...)."""
        return values.squeeze(self.dim)


class Reshape(nn.Module):
    """Give each sample another shape, with at most one -1."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, values: Tensor) -> Tensor:
        """Reshape values (B, ...)."""
        return values.reshape(len(values), *self.shape)


class Mean(nn.Module):
    """The mean over some axes."""

    def __init__(self, dim: tuple[int, ...], keepdim: bool) -> None:
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, values: Tensor) -> Tensor:
        """Average values (B, ...)."""
        return values.mean(self.dim, keepdim=self.keepdim)


class Concat(nn.Module):
    """Values joined along one axis."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *values: Tensor) -> Tensor:
        """Join values of shapes that differ in this axis alone."""
        return torch.cat(values, self.dim)


class Permute(nn.Module):
    """Axes in another order."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, values: Tensor) -> Tensor:
        """Reorder the axes of values."""
        return values.permute(self.dims)


def _last_axis_prelu(part: Part) -> nn.Module:
    layer = LastAxisPReLU(part.settings["num_parameters"])
    layer.load_state_dict(dict(part.tensors))
    return layer


OPERATIONS: dict[str, Callable[[Part], nn.Module]] = {
    "Activation": lambda part: Activation(part.settings["name"]),
    "Negate": lambda part: Negate(),
    "Arithmetic": lambda part: Arithmetic(part.settings["name"], part.tensors.get("constant"), part.settings["first"]),
    "Unary": lambda part: Unary(part.settings["name"]),
    "SlopedHardsigmoid": lambda part: SlopedHardsigmoid(part.settings["slope"], part.settings["offset"]),
    "LastAxisPReLU": lambda part: _last_axis_prelu(part),
    "CoercedSoftmax": lambda part: CoercedSoftmax(part.settings["dim"], part.settings["logarithm"]),
    "Squeeze": lambda part: Squeeze(tuple(part.settings["dim"])),
    "Reshape": lambda part: Reshape(tuple(part.settings["shape"])),
    "Mean": lambda part: Mean(tuple(part.settings["dim"]), part.settings["keepdim"]),
    "Concat": lambda part: Concat(part.settings["dim"]),
    "Permute": lambda part: Permute(tuple(part.settings["dims"])),
}
"""Kind -> the module that a part of it describes."""

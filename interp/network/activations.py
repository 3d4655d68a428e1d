"""Activation functions by name, and the names of the torch functions that compute them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "elu": F.elu,
    "softplus": F.softplus,
    "abs": torch.abs,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "selu": F.selu,
    "mish": F.mish,
    "hardswish": F.hardswish,
}
"""Name -> function of pre-activations, with torch's default parameters."""

RELU_FAMILY = ("relu", "leaky_relu", "gelu", "silu", "elu", "softplus", "selu", "mish", "hardswish")
"""Activations that data hardly tell apart: close to 0 for negative z, close to z for positive z."""

RISING = frozenset({"identity", "relu", "leaky_relu", "elu", "softplus", "tanh", "sigmoid", "selu"})
"""Activations that never fall, so that the largest of some values gives the largest activation."""

DIPPING = frozenset({"gelu", "silu", "abs", "mish", "hardswish"})
"""Activations that fall and then rise, so that the largest or the least of some values gives the largest activation."""

SEEN_ONLY: dict[str, Callable[[Tensor], Tensor]] = {"relu6": F.relu6, "hardtanh": F.hardtanh, "celu": F.celu}
"""Name -> function that a network may use, but that is never assumed of a bare state dict."""

ENDS: dict[str, tuple[float, float]] = {
    "tanh": (-1, 1),
    "sigmoid": (0, 1),
    "hardtanh": (-1, 1),
    "relu6": (0, 6),
}
"""Name -> least and largest output of an activation that has both."""

OTHER_TORCH_NAMES = {"absolute": "abs", "prelu": "prelu"}


def activation_name(torch_name: str) -> str | None:
    """Name the activation that a torch function computes.

    Parameters
    ----------
    torch_name
        Name of the function, such as ``relu_``.

    Returns
    -------
    str or None
        Name of the activation; None where the function is no activation.

    Examples
    --------
    >>> activation_name("relu_"), activation_name("linear")
    ('relu', None)
    """
    name = torch_name.strip("_").lower()
    return name if name in ACTIVATIONS or name in SEEN_ONLY else OTHER_TORCH_NAMES.get(name)


class Activation(nn.Module):
    """An activation of a rebuilt network.

    Parameters
    ----------
    name
        Key of `ACTIVATIONS`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, z: Tensor) -> Tensor:
        """Apply it to z of any shape."""
        return ACTIVATIONS[self.name](z)

    def extra_repr(self) -> str:
        """Show the name."""
        return self.name


class Negate(nn.Module):
    """The sign change of networks that predict the class with the smallest value, such as a distance."""

    def forward(self, outputs: Tensor) -> Tensor:
        """Change the sign of outputs of any shape."""
        return -outputs

"""Forms of a network's outputs: what runs behind its last layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from interp.network.activations import Activation
from interp.tasks import PROBABILITIES

OUTPUTS = ("linear", "activation", "negated-activation")
"""Forms that are tried for every task. A bare negation is none: the weights would absorb it."""

ENDS_ACTIVE = ("activation", "negated-activation")
"""Forms in which the hidden layers' activation stands behind the last layer too."""

LOGITS = ("linear", "softmax", "log-softmax")
"""Forms whose z of the last layer are logits: the loss of z itself is that of the outputs."""

BOUNDED = ("sigmoid", "tanh", "relu")
"""Functions that are tried where outputs are measured values, which they keep within bounds."""

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softmax": lambda z: z.softmax(1),
    "log-softmax": lambda z: z.log_softmax(1),
}
"""Name -> function of the last layer's z, (S, C); most change no prediction, and can only be stated."""

STATED = (*OUTPUTS, *FUNCTIONS)
"""Forms that a user may state."""


def scored_as(output: str) -> str:
    """Give the form of outputs as scorers name it: probabilities are no logits.

    Examples
    --------
    >>> scored_as("softmax"), scored_as("activation")
    ('softmax', 'linear')
    """
    return output if output in PROBABILITIES else "linear"


def module_of(output: str) -> nn.Module | None:
    """Build the module behind the last layer; None for forms that are no function of their own.

    Examples
    --------
    >>> module_of("softmax"), module_of("linear")
    (Softmax(dim=1), None)
    """
    if output in ("softmax", "log-softmax"):
        return nn.Softmax(1) if output == "softmax" else nn.LogSoftmax(1)
    return Activation(output) if output in FUNCTIONS else None

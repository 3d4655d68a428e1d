"""Maps of a recurrent cell that hold nodes: each is called once a time step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function_unary

Function = Callable[[Tensor], Tensor]


def tanh(z: Tensor) -> Tensor:
    """Give tanh(z) to rounding, near 0 too, in less time than torch's takes; it is a call that modes see by its name.

    It is m / (m + 2) with m = exp(2 z) - 1, which is as exact as m is; types but 32-bit floats are left to torch.

    Examples
    --------
    >>> round(float(tanh(torch.tensor(0.5))), 6)
    0.462117
    """
    if has_torch_function_unary(z):
        return handle_torch_function(tanh, (z,), z)
    if z.dtype is not torch.float32:
        return torch.tanh(z)
    more = torch.expm1((z + z).clamp(max=LARGEST))
    return more / (more + 2)


LARGEST = 40.0
"""Value of 2 z from which on tanh(z) is 1 to rounding, and below which its exponential is finite."""

QUICK: dict[Function, Function] = {torch.tanh: tanh}
"""Activation of a gate -> the same to rounding, in less time."""


class OneStep:
    """A map that is called once for each time step of a run.

    Attributes
    ----------
    backwards
        Whether the first call is for the last time step.
    function
        Activation, a function of z; None for one that has none.
    after
        Change of the activation's outputs (B, N) at every time step; None leaves them as they are.
    given
        Outputs of the cell at all time steps (B, T, N), where these stand in place of what it computes; else None.
    """

    backwards: bool = False
    function: Function | None = None
    after: Function | None = None
    given: Tensor | None = None

    def active(self, z: Tensor) -> Tensor:
        """Give the activation's outputs of z (B, N), changed where they are to be."""
        assert self.function is not None
        outputs = QUICK.get(self.function, self.function)(z)
        return outputs if self.after is None else self.after(outputs)

    @contextmanager
    def changed(self, after: Function) -> Iterator[None]:
        """Change the activation's outputs at every time step in a block, behind changes that are there."""
        before, own = self.after, vars(self)
        own["after"] = after if before is None else lambda outputs: after(before(outputs))
        try:
            yield
        finally:
            own["after"] = before

    @contextmanager
    def standing_in(self, outputs: Tensor) -> Iterator[None]:
        """Let these outputs (B, T, N) stand in place of what the cell gives in a block; its last c is then NaN."""
        before, own = self.given, vars(self)
        own["given"] = outputs
        try:
            yield
        finally:
            own["given"] = before


class Gate(nn.Linear, OneStep):
    """One gate of a cell: z = W_ih x + b_ih + W_hh h + b_hh, as one map of x and h side by side.

    Parameters
    ----------
    inputs
        Number of values of x.
    hidden
        Number of values of h.
    nodes
        Number of nodes, the width of the gate.
    bias
        Whether there is a bias, the sum of torch's two.
    """

    def __init__(self, inputs: int, hidden: int, nodes: int, bias: bool = True) -> None:
        super().__init__(inputs + hidden, nodes, bias)

    def reset_parameters(self) -> None:
        """Draw parameters as torch's recurrent layers do: within 1 / sqrt(hidden), and two biases."""
        reach = self.out_features**-0.5
        nn.init.uniform_(self.weight, -reach, reach)
        if self.bias is not None:
            with torch.no_grad():
                self.bias.copy_(torch.empty(2, len(self.bias)).uniform_(-reach, reach).sum(0))


class Candidate(nn.Module, OneStep):
    """The GRU's new value: z = W_in x + b_in + r (W_hn h + b_hn), where r is the output of the reset gate.

    No weights w give it as w.x + b of what it reads, since r differs from sample to sample.

    Parameters
    ----------
    inputs
        Number of values of x.
    hidden
        Number of values of h, and of nodes.
    bias
        Whether there are biases.
    """

    def __init__(self, inputs: int, hidden: int, bias: bool = True) -> None:
        super().__init__()
        self.inputs = inputs
        self.weight = nn.Parameter(torch.empty(hidden, inputs + hidden))
        self.bias = nn.Parameter(torch.empty(hidden)) if bias else None
        self.hidden_bias = nn.Parameter(torch.empty(hidden)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw parameters as torch's recurrent layers do: within 1 / sqrt(hidden)."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(len(self.weight) ** -0.5), len(self.weight) ** -0.5)

    def forward(self, values: Tensor, reset: Tensor) -> Tensor:
        """Compute z of x and h side by side (B, D) and the reset gate's outputs (B, N)."""
        x, h = values[:, : self.inputs], values[:, self.inputs :]
        of_x, of_h = self.weight[:, : self.inputs], self.weight[:, self.inputs :]
        new, old = x @ of_x.t(), h @ of_h.t()  # no call of a linear map of its own, which would pass for the whole
        if self.bias is not None and self.hidden_bias is not None:
            new, old = new + self.bias, old + self.hidden_bias
        return new + reset * old


class CellOutput(nn.Module, OneStep):
    """What a cell gives, h, as a map that multiplies by one: its nodes are the values of h.

    Parameters
    ----------
    nodes
        Number of values of h.
    """

    weight: Tensor

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(nodes))

    def forward(self, values: Tensor) -> Tensor:
        """Give h (B, N) as it is, as a tensor of its own."""
        return values.clone()


class Projection(nn.Linear, OneStep):
    """What a cell with a projection gives: h = W_hr (o tanh(c)).

    Parameters
    ----------
    hidden
        Number of values of the cell.
    nodes
        Number of values of h.
    """

    def __init__(self, hidden: int, nodes: int) -> None:
        super().__init__(hidden, nodes, bias=False)

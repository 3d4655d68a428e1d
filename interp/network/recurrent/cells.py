"""One time step of a recurrent cell, made of maps whose nodes can be read and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from interp.network.recurrent.sites import Candidate, CellOutput, Function, Gate, OneStep, Projection, tanh

State = tuple[Tensor, ...]
"""What a cell hands on to the next time step: h, and for an LSTM also c; (B, N) each."""


class Weights(NamedTuple):
    """Tensors of one layer in one direction, as torch holds them.

    Attributes
    ----------
    of_x, of_h
        Weights (gates * H, D) and (gates * H, P) of the gates, one gate below the other.
    bias_x, bias_h
        Biases (gates * H,); None without.
    projection
        Weights (P, H) of an LSTM's projection; None without.
    """

    of_x: Tensor
    of_h: Tensor
    bias_x: Tensor | None = None
    bias_h: Tensor | None = None
    projection: Tensor | None = None


class RNNStep(nn.Module):
    """h = f(W_ih x + b_ih + W_hh h + b_hh), with tanh or ReLU for f.

    Parameters
    ----------
    weights
        Weights of the one gate.
    function
        Function f of z, elementwise.
    """

    def __init__(self, weights: Weights, function: Callable[[Tensor], Tensor] = torch.tanh) -> None:
        super().__init__()
        (self.hidden,) = gates_of(weights, function)

    def forward(self, x: Tensor, state: State) -> State:
        """Give the next state."""
        return (self.hidden.active(self.hidden(torch.cat([x, state[0]], 1))),)


class LSTMStep(nn.Module):
    """c = f c + i g and h = o tanh(c), with gates i, f, o (sigmoid) and g (tanh).

    Parameters
    ----------
    weights
        Weights of the gates in torch's order: i, f, g, o.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        functions = torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid
        self.input, self.forget, self.cell, self.output = gates_of(weights, *functions)
        self.hidden = _output_of(weights)

    def forward(self, x: Tensor, state: State) -> State:
        """Give the next state, h and c."""
        h, c = state
        read = torch.cat([x, h], 1)
        admits, keeps = self.input.active(self.input(read)), self.forget.active(self.forget(read))
        c = keeps * c + admits * self.cell.active(self.cell(read))
        return self.hidden(self.output.active(self.output(read)) * tanh(c)), c


class GRUStep(nn.Module):
    """h = n + u (h - n), with gates r (reset) and u (update) and the new value n = tanh(z), as `Candidate` has it.

    Parameters
    ----------
    weights
        Weights of the gates in torch's order: r, u, n.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.reset, self.update, new = gates_of(weights, torch.sigmoid, torch.sigmoid, torch.tanh)
        self.new = _candidate(new, weights)
        self.hidden = _output_of(weights)

    def forward(self, x: Tensor, state: State) -> State:
        """Give the next state."""
        (h,) = state
        read = torch.cat([x, h], 1)
        reset, update = self.reset.active(self.reset(read)), self.update.active(self.update(read))
        new = self.new.active(self.new(read, reset))
        return (self.hidden(update * (h - new) + new),)


class ResetFirstGRUStep(nn.Module):
    """h = n + u (h - n), with n = tanh(W_in x + b_in + W_hn (r h) + b_hn): r scales h, and not what W_hn makes of it.

    This is the cell of Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder", eq. 8, which
    ONNX has without ``linear_before_reset``.

    Parameters
    ----------
    weights
        Weights of the gates in torch's order: r, u, n.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.reset, self.update, self.new = gates_of(weights, torch.sigmoid, torch.sigmoid, torch.tanh)
        self.hidden = _output_of(weights)

    def forward(self, x: Tensor, state: State) -> State:
        """Give the next state."""
        (h,) = state
        read = torch.cat([x, h], 1)
        reset, update = self.reset.active(self.reset(read)), self.update.active(self.update(read))
        new = self.new.active(self.new(torch.cat([x, reset * h], 1)))
        return (self.hidden(update * (h - new) + new),)


STEPS: dict[str, Callable[[Weights], nn.Module]] = {
    "RNN_TANH": RNNStep,
    "RNN_RELU": lambda weights: RNNStep(weights, torch.relu),
    "LSTM": LSTMStep,
    "GRU": GRUStep,
    "GRU_RESET_FIRST": ResetFirstGRUStep,
}
"""Name of a kind of cell, as torch has it in ``mode`` where it is torch's -> its step."""

STATES = {"LSTM": 2}
"""Name of a kind of cell -> number of tensors of its state, where it is not 1."""


def cell_of(mode: str, weights: Weights, backwards: bool = False) -> nn.Module:
    """Build one cell.

    Parameters
    ----------
    mode
        Key of `STEPS`.
    weights
        Weights of its gates.
    backwards
        Whether the last time step is read first.

    Examples
    --------
    >>> weights = Weights(torch.zeros(8, 3), torch.zeros(8, 2))
    >>> h, c = cell_of("LSTM", weights)(torch.ones(5, 3), (torch.zeros(5, 2), torch.ones(5, 2)))
    >>> c[0].detach()
    tensor([0.5000, 0.5000])
    """
    cell = STEPS[mode](weights)
    for part in cell.modules():
        if isinstance(part, OneStep):
            part.backwards = backwards
    return cell


def gates_of(weights: Weights, *functions: Function) -> Sequence[Gate]:
    """Cut the weights of all gates into single ones, with an activation each."""
    count = len(functions)
    biases = [None] * count if weights.bias_x is None else _sum(weights).chunk(count)
    return [
        _gate(*parts)
        for parts in zip(weights.of_x.chunk(count), weights.of_h.chunk(count), biases, functions, strict=True)
    ]


def _sum(weights: Weights) -> Tensor:
    assert weights.bias_x is not None
    return weights.bias_x if weights.bias_h is None else weights.bias_x + weights.bias_h


@torch.no_grad()
def _gate(of_x: Tensor, of_h: Tensor, bias: Tensor | None, function: Function) -> Gate:
    gate = Gate(of_x.shape[1], of_h.shape[1], len(of_x), bias is not None).to(of_x)
    gate.function = function
    gate.weight.copy_(torch.cat([of_x, of_h], 1))
    if bias is not None:
        gate.bias.copy_(bias)
    return gate


@torch.no_grad()
def _candidate(gate: Gate, weights: Weights) -> Candidate:
    """Take the weights of the third gate, with its two biases apart."""
    has_bias = weights.bias_x is not None and weights.bias_h is not None
    candidate = Candidate(weights.of_x.shape[1], len(gate.weight), has_bias).to(gate.weight)
    candidate.weight.copy_(gate.weight)
    candidate.function = gate.function
    if candidate.bias is not None and candidate.hidden_bias is not None:
        assert weights.bias_x is not None
        assert weights.bias_h is not None
        candidate.bias.copy_(weights.bias_x.chunk(3)[2])
        candidate.hidden_bias.copy_(weights.bias_h.chunk(3)[2])
    return candidate


@torch.no_grad()
def _output_of(weights: Weights) -> CellOutput | Projection:
    if weights.projection is None:
        return CellOutput(weights.of_h.shape[1]).to(weights.of_h)
    nodes, hidden = weights.projection.shape
    projection = Projection(hidden, nodes).to(weights.projection)
    projection.weight.copy_(weights.projection)
    return projection

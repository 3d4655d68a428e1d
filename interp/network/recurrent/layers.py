"""Recurrent layers that run a time step at a time, in place of torch's fused ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from interp.network.recurrent.cells import STATES, State, Weights, cell_of
from interp.network.recurrent.running import RunsCells, given_of
from interp.network.recurrent.sites import OneStep
from interp.network.tracing.calls import place_of

SETTINGS = (
    "mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size",
)  # fmt: skip
"""Attributes of torch's recurrent layers that other code may read."""


class Unrolled(nn.Module, RunsCells):
    """What `nn.RNN`, `nn.LSTM` and `nn.GRU` compute in eval mode, a time step at a time.

    Its cells are named ``l0``, ``l0_reverse``, ``l1``, ... as torch names their weights.

    Parameters
    ----------
    fused
        Layer of torch's, whose weights are copied.

    Examples
    --------
    >>> fused = nn.GRU(3, 4, bidirectional=True).eval()
    >>> x = torch.ones(5, 2, 3)
    >>> torch.allclose(fused(x)[0], Unrolled(fused)(x)[0], atol=1e-6)
    True
    """

    mode: str
    hidden_size: int
    num_layers: int
    batch_first: bool
    bidirectional: bool
    proj_size: int

    def __init__(self, fused: nn.RNNBase) -> None:
        super().__init__()
        for name in SETTINGS:
            setattr(self, name, getattr(fused, name))
        for layer in range(self.num_layers):
            for end in ("", "_reverse") if self.bidirectional else ("",):
                suffix = f"_l{layer}{end}"
                self.add_module(suffix[1:], cell_of(self.mode, weights_of(fused, suffix), bool(end)))

    def flatten_parameters(self) -> None:
        """Do nothing: there is no fused memory."""

    def forward(self, inputs: Any, hx: Any = None) -> tuple[Any, Any]:
        """Give the outputs of the last layer at all steps, and the last states, in the forms that torch has."""
        if isinstance(inputs, PackedSequence):
            return self._packed(inputs, hx)
        is_single, across = inputs.dim() == 2, 0 if self.batch_first else 1
        x = inputs.unsqueeze(across) if is_single else inputs
        states = _as_tuple(hx)
        if is_single and states is not None:
            states = tuple(state.unsqueeze(1) for state in states)
        outputs, last = self._run(x if self.batch_first else x.transpose(0, 1), states, None)
        outputs = outputs if self.batch_first else outputs.transpose(0, 1)
        if is_single:
            outputs, last = outputs.squeeze(across), tuple(state.squeeze(1) for state in last)
        return outputs, self._as_torch(last)

    def _packed(self, inputs: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        """Run sequences of several lengths: a state stays as it is at steps that are padding."""
        x, lengths = pad_packed_sequence(inputs, batch_first=True)
        alive = torch.arange(x.shape[1]) < lengths[:, None]
        outputs, last = self._run(x, _as_tuple(hx), alive.to(x.device))
        order = inputs.sorted_indices
        if order is not None:
            outputs, lengths = outputs[order], lengths[order.cpu()]
        packed = pack_padded_sequence(outputs, lengths, batch_first=True)
        whole = PackedSequence(packed.data, inputs.batch_sizes, order, inputs.unsorted_indices)
        return whole, self._as_torch(last)

    def _run(self, x: Tensor, given: State | None, alive: Tensor | None) -> tuple[Tensor, State]:
        """Run all layers on (B, T, D); give the outputs of the last (B, T, N), and the last states of all."""
        last: list[State] = []
        for layer in range(self.num_layers):
            sides = []
            for end in ("", "_reverse") if self.bidirectional else ("",):
                state = self._first(x) if given is None else tuple(one[len(last)] for one in given)
                if layer < self._first_that_runs(alive):
                    last.append(tuple(torch.full_like(one, torch.nan) for one in state))
                    continue
                outputs, state = self.run_cell(self.get_submodule(f"l{layer}{end}"), x, state, alive)
                sides.append(outputs)
                last.append(state)
            if sides:
                x = torch.cat(sides, 2) if len(sides) > 1 else sides[0]
        return x, tuple(torch.stack(states) for states in zip(*last, strict=True))

    def _first_that_runs(self, alive: Tensor | None) -> int:
        """Give the number of the layer that runs first: no lower one is read where all outputs of one are given."""
        ends = ("", "_reverse") if self.bidirectional else ("",)
        whole = [
            i
            for i in range(self.num_layers)
            if all(given_of(self.get_submodule(f"l{i}{end}")) is not None for end in ends)
        ]
        return max(whole, default=0) if alive is None else 0

    def _first(self, x: Tensor) -> State:
        """Give the states before the first step: zeros."""
        widths = [self.proj_size or self.hidden_size, self.hidden_size][: STATES.get(self.mode, 1)]
        return tuple(x.new_zeros(len(x), width) for width in widths)

    def _as_torch(self, states: State) -> Any:
        return states if len(states) > 1 else states[0]


class UnrolledCell(nn.Module):
    """What `nn.RNNCell`, `nn.LSTMCell` and `nn.GRUCell` compute, with gates that can be read and changed.

    Parameters
    ----------
    fused
        Cell of torch's, whose weights are copied.
    """

    def __init__(self, fused: nn.RNNCellBase) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = fused.input_size, fused.hidden_size, fused.bias
        nonlinearity = getattr(fused, "nonlinearity", None)
        self.mode = f"RNN_{nonlinearity.upper()}" if nonlinearity else type(fused).__name__.removesuffix("Cell")
        if isinstance(fused, nn.LSTMCell):
            self.mode = "LSTM"
        elif isinstance(fused, nn.GRUCell):
            self.mode = "GRU"
        self.step = cell_of(self.mode, weights_of(fused, ""))

    def forward(self, inputs: Tensor, hx: Any = None) -> Any:
        """Give the next state, in the form that torch has."""
        is_single = inputs.dim() == 1
        x = inputs[None] if is_single else inputs
        states = _as_tuple(hx)
        if states is None:
            states = (x.new_zeros(len(x), self.hidden_size),) * STATES.get(self.mode, 1)
        elif is_single:
            states = tuple(state[None] for state in states)
        found = self.step(x, states)
        found = tuple(state[0] for state in found) if is_single else found
        return found if len(found) > 1 else found[0]


def output_of(module: nn.Module, tap: str) -> OneStep | None:
    """Give the part of a layer of torch's whose outputs are those of its whole cell; None for any other.

    Parameters
    ----------
    module
        Network, unrolled.
    tap
        Dotted name, as in `NodeLayer.tap`.

    Examples
    --------
    >>> network = nn.ModuleDict({"rnn": Unrolled(nn.LSTM(3, 4))})
    >>> output_of(network, "rnn.l0.hidden") is network["rnn"].l0.hidden, output_of(network, "rnn.l0.forget")
    (True, None)
    """
    owner, _, own = tap.rpartition(".")
    part = place_of(module, tap)
    if own != "hidden" or not isinstance(part, OneStep):
        return None
    return part if isinstance(place_of(module, owner.rpartition(".")[0]), Unrolled) else None


def weights_of(fused: nn.Module, suffix: str) -> Weights:
    """Give the tensors of one layer and direction, by the ending of their names."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    found = [getattr(fused, f"{name}{suffix}", None) for name in names]
    of_x, of_h, *others = (part.detach() if isinstance(part, Tensor) else None for part in found)
    assert of_x is not None, fused
    assert of_h is not None, fused
    return Weights(of_x, of_h, *others)


def _as_tuple(hx: Any) -> State | None:
    return hx if hx is None or isinstance(hx, tuple) else tuple(hx) if isinstance(hx, list) else (hx,)

"""What of a recurrent layer's outputs the dense layers read, and the network that a choice makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from interp.network.chain import hold, run


class Read(NamedTuple):
    """What a recurrent layer gave.

    Attributes
    ----------
    outputs
        Outputs at all time steps, (B, T, D * N).
    ways
        Last state of each direction of the last layer, (B, N) each.
    alive
        Whether each step is no padding, (B, T) booleans.
    """

    outputs: Tensor
    ways: Sequence[Tensor]
    alive: Tensor


def last_step(read: Read) -> Tensor:
    """Take the outputs of the last step that is no padding."""
    return read.outputs[torch.arange(len(read.outputs)), read.alive.sum(1) - 1]


def mean(read: Read) -> Tensor:
    """Average the outputs over steps."""
    alive = read.alive[..., None].to(read.outputs)
    return (read.outputs * alive).sum(1) / alive.sum(1)


def largest(read: Read) -> Tensor:
    """Take the largest output over steps of each value."""
    return read.outputs.masked_fill(~read.alive[..., None], -torch.inf).amax(1)


def total(read: Read) -> Tensor:
    """Add the outputs up over steps."""
    return (read.outputs * read.alive[..., None].to(read.outputs)).sum(1)


Readout = Callable[[Read], Tensor]

READOUTS: dict[str, Readout] = {
    "last step": last_step,
    "last states of both directions": lambda read: torch.cat(list(read.ways), 1),
    "mean over steps": mean,
    "maximum over steps": largest,
    "sum over steps": total,
    "first step": lambda read: read.outputs[:, 0],
    "last state of the backward direction": lambda read: read.ways[-1],
    "last state of the forward direction": lambda read: read.ways[0],
    "sum of the last states of both directions": lambda read: torch.stack(list(read.ways)).sum(0),
    "mean of the last states of both directions": lambda read: torch.stack(list(read.ways)).mean(0),
    "mean and maximum over steps": lambda read: torch.cat([mean(read), largest(read)], 1),
    "maximum and mean over steps": lambda read: torch.cat([largest(read), mean(read)], 1),
    "all steps side by side": lambda read: read.outputs.flatten(1),
}
"""Name -> function of what the recurrent layer gave; the usual ones first."""

TWO_WAY = {name for name in READOUTS if "direction" in name}
"""Readouts that differ from others only where there are two directions."""

PADDING = ("left out", "read on", "not there")
"""What is done with steps of padding: sequences are packed; the network reads them as any step; there are none."""


class EarlySteps(NamedTuple):
    """What comes before the recurrent layers.

    Attributes
    ----------
    over_time
        Names and modules that take (B, C, T): convolutions, and what follows them.
    norm
        Name and module of a norm of each step's values; empty where there is none.
    """

    over_time: Sequence[tuple[str, nn.Module]] = ()
    norm: Sequence[tuple[str, nn.Module]] = ()


class SequenceNetwork(nn.Module):
    """An embedding, recurrent layers, a readout and dense layers, each under the name that its file uses.

    Parameters
    ----------
    embedding
        Name and table of tokens; None where inputs are numbers.
    recurrent
        Name -> recurrent layer, in running order.
    readout
        Key of `READOUTS`.
    head
        Names and modules that follow; empty where the readout is the output.
    packed
        Whether steps of padding are left out.
    early
        Convolutions and a norm between the embedding and the recurrent layers.
    """

    def __init__(
        self,
        embedding: tuple[str, nn.Module] | None,
        recurrent: Mapping[str, nn.Module],
        readout: str,
        head: Sequence[tuple[str, nn.Module]],
        packed: bool,
        early: EarlySteps | None = None,
    ) -> None:
        super().__init__()
        early = early or EarlySteps()
        named = [*([] if embedding is None else [embedding]), *early.over_time, *early.norm, *recurrent.items(), *head]
        for name, part in named:
            hold(self, name, part)
        # underscores keep these apart from names of the file
        self._first = None if embedding is None else embedding[0]
        self._recurrent, self._head = tuple(recurrent), tuple(name for name, _ in head)
        self._readout, self._packed = readout, packed
        self._early = tuple(tuple(name for name, _ in steps) for steps in early)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Give outputs (B, C) of sequences (B, T) or (B, T, F)."""
        return run([self.get_submodule(name) for name in self._head], READOUTS[self._readout](self._read(x, lengths)))

    def _read(self, x: Tensor, lengths: Tensor | None) -> Read:
        """Run embedding and recurrent layers."""
        values = self._before(x if self._first is None else self.get_submodule(self._first)(x))
        alive = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
        if lengths is not None and self._packed:
            alive = torch.arange(values.shape[1], device=values.device) < lengths[:, None]
        outputs, states = self._run(values, lengths if self._packed else None)
        last = states[0] if isinstance(states, tuple) else states
        ways = last[-2:] if self.get_submodule(self._recurrent[-1]).bidirectional else last[-1:]
        return Read(outputs, list(ways), alive)

    def _before(self, values: Tensor) -> Tensor:
        """Run convolutions over time, and the norm of what the recurrent layers read."""
        over_time, norm = self._early
        if over_time:
            values = run([self.get_submodule(name) for name in over_time], values.transpose(1, 2)).transpose(1, 2)
        for name in norm:
            part = self.get_submodule(name)
            is_batch = isinstance(part, nn.BatchNorm1d)
            values = part(values.transpose(1, 2)).transpose(1, 2) if is_batch else part(values)
        return values

    def _run(self, values: Tensor, lengths: Tensor | None) -> tuple[Tensor, Any]:
        """Give the outputs of the last recurrent layer at all steps, and its last states."""
        given: Any = values
        if lengths is not None:
            given = pack_padded_sequence(values, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states: Any = None
        for name in self._recurrent:
            given, states = self.get_submodule(name)(given)
        if isinstance(given, PackedSequence):
            given, _ = pad_packed_sequence(given, batch_first=True, total_length=values.shape[1])
        return given, states


def read_sequences(network: SequenceNetwork, x: Tensor, lengths: Tensor | None) -> Read:
    """Run a network's embedding and recurrent layers alone.

    Parameters
    ----------
    network
        Network whose recurrent layers are run.
    x
        Tokens (B, T), or numbers (B, T, F).
    lengths
        Numbers of time steps that are no padding, (B,); None where none is.
    """
    return network._read(x, lengths)

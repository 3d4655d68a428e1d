"""The network that a choice makes of the parts: embedding, positions, attention blocks, a readout and dense layers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.checkpoints.inference.attention.blocks import Block, dense, sinusoids
from interp.checkpoints.inference.attention.lone import Lone
from interp.checkpoints.inference.attention.parts import AttentionParts
from interp.checkpoints.inference.rebuild import dense_steps, own_norm
from interp.checkpoints.inference.recurrent.readouts import PADDING, READOUTS, Read
from interp.network.chain import hold, run
from interp.types import Scaling

NORMS = ("before (pre-norm)", "behind (post-norm)")
"""Where norms are: before attention and dense pair, or behind the sums with what came in."""

NAMELESS = "block"
"""Name of a block whose tensors are all that its file holds, under no name."""

POSITIONS = ("none", "sinusoidal")
"""What may be added at each position where the file holds nothing; added as stored otherwise."""

EMBEDDING = ("as stored", "times the root of its width")
"""What is done with the rows of the embedding."""


@dataclass(frozen=True)
class Choice:
    """One possible interpretation of the parts.

    Attributes
    ----------
    heads
        Number of heads of every attention.
    norms
        Place of the norms, one of `NORMS`; around attention alone one of `lone.places`.
    activation
        Activation between dense layers, those of the blocks and those behind them.
    readout
        Name of what the dense layers read, a key of `READOUTS`.
    positions
        ``stored``, or one of `POSITIONS`.
    embedding
        Treatment of the embedding's rows, one of `EMBEDDING`.
    padding
        Treatment of steps of padding, one of `PADDING`.
    scaling
        Scaling of stored inputs.
    """

    heads: int
    norms: str
    activation: str
    readout: str
    positions: str
    embedding: str
    padding: str
    scaling: Scaling


class AttentionNetwork(nn.Module):
    """A transformer's encoder with a readout and dense layers, each under the name that its file uses.

    Parameters
    ----------
    parts
        Parts of the network.
    choice
        Interpretation of what the tensors do not tell.
    """

    def __init__(self, parts: AttentionParts, choice: Choice) -> None:
        super().__init__()
        named: dict[str, nn.Module] = {}
        self._entrance = self._before = self._behind = ""
        if parts.embedding is not None:
            name, table = parts.embedding
            self._entrance = name.removesuffix(".weight")
            named[self._entrance] = nn.Embedding(len(table), table.shape[1], _weight=table)
        elif parts.entrance is not None:
            self._entrance = parts.entrance.name
            named[self._entrance] = dense(parts.entrance)
        for norm, place in ((parts.before, "_before"), (parts.behind, "_behind")):
            if norm is not None:
                setattr(self, place, norm.name)
                named[norm.name] = own_norm(norm)
        before = choice.norms == NORMS[0]
        pairs = [one for one in parts.blocks if one.first is not None]
        named |= {one.name or NAMELESS: Block(one, choice.heads, before, choice.activation) for one in pairs}
        head = dense_steps(parts.dense, choice.activation)
        for name, part in [*named.items(), *head]:
            hold(self, name, part)
        self._blocks, self._head = tuple(one.name or NAMELESS for one in pairs), tuple(name for name, _ in head)
        self._lone = tuple(Lone(self, one, choice.heads, choice.norms) for one in parts.blocks if one.first is None)
        self._choice, self._factor = choice, 1.0
        if parts.embedding is not None and choice.embedding == EMBEDDING[1]:
            self._factor = parts.width**0.5
        self.register_buffer("_added", None if parts.positions is None else parts.positions[1], persistent=False)
        self.register_buffer("_step_before", None if parts.first is None else parts.first[1], persistent=False)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Give outputs (B, C) of sequences (B, T) of tokens or (B, T, F) of numbers."""
        return self._run_head(self._read(x, lengths), self._choice.readout)

    def _run_head(self, read: Read, readout: str) -> Tensor:
        """Run the readout and what follows it."""
        return run([self.get_submodule(name) for name in self._head], READOUTS[readout](read))

    def _read(self, x: Tensor, lengths: Tensor | None = None) -> Read:
        """Run all blocks: their outputs (B, T, E) at every step."""
        values = self.get_submodule(self._entrance)(x) * self._factor if self._entrance else x
        values = self._with_positions(values)
        alive = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
        padding = None
        if lengths is not None and self._choice.padding == PADDING[0]:
            own = lengths + (values.shape[1] - x.shape[1])
            alive = torch.arange(values.shape[1], device=values.device) < own[:, None]
            padding = ~alive
        values = self.get_submodule(self._before)(values) if self._before else values
        for name in self._blocks:
            values = self.get_submodule(name)(values, padding)
        for lone in self._lone:
            values = lone.run(self, values, padding)
        values = self.get_submodule(self._behind)(values) if self._behind else values
        return Read(values, [], alive)

    def _with_positions(self, values: Tensor) -> Tensor:
        """Put the first step before all others, and add what belongs to each position."""
        first, added = self._step_before, self._added
        steps = values.shape[1]
        if self._choice.positions == POSITIONS[1]:
            added = sinusoids(steps + (first is not None), values.shape[2]).to(values)
        early = first is not None and isinstance(added, Tensor) and len(added) <= steps
        if early and isinstance(added, Tensor):
            values = values + added[:steps]
        if isinstance(first, Tensor):
            values = torch.cat([first.expand(len(values), 1, -1), values], 1)
        if isinstance(added, Tensor) and not early:
            values = values + added[: values.shape[1]]
        return values


def read_blocks(network: AttentionNetwork, x: Tensor, lengths: Tensor | None) -> Read:
    """Run a network up to its last block.

    Parameters
    ----------
    network
        Network whose blocks are run.
    x
        Tokens (B, T), or numbers (B, T, F).
    lengths
        Numbers of time steps that are no padding, (B,); None where none is.
    """
    return network._read(x, lengths)


def run_head(network: AttentionNetwork, read: Read, readout: str) -> Tensor:
    """Run the dense layers (B, C) on one readout of what the blocks gave."""
    return network._run_head(read, readout)

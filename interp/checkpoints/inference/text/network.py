"""The network that a choice makes of the parts: embedding, convolutions side by side or none, pooling, dense layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interp.checkpoints.inference.rebuild import Steps, dense_steps, norm_part
from interp.checkpoints.inference.recurrent.readouts import PADDING, READOUTS, Read
from interp.checkpoints.inference.stack.layers import Layer, Norm
from interp.checkpoints.inference.text.parts import TextParts, kernel_of
from interp.network.activations import Activation
from interp.network.chain import hold, run, usable_names

TOKEN, ZEROS = "token 0 left out", "read as zeros"
"""Treatments of padding beside those of `PADDING`: by the token alone, and as vectors of zeros that are read on."""

EDGES: dict[str, Callable[[int], tuple[int, int]]] = {
    "not padded": lambda kernel: (0, 0),
    "padded to the same length": lambda kernel: ((kernel - 1) // 2, kernel // 2),
    "padded by half their width": lambda kernel: (kernel // 2, kernel // 2),
    "padded by their width less one": lambda kernel: (kernel - 1, kernel - 1),
}
"""Padding of convolutions -> numbers of zeros before and behind a sequence for a kernel; the usual first."""

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Choice:
    """One possible interpretation of the parts.

    Attributes
    ----------
    readout
        Name of what is made of all tokens or positions, a key of `READOUTS`.
    padding
        Treatment of tokens of padding, one of `PADDING`, `TOKEN` or `ZEROS`.
    edges
        Padding of the convolutions, a key of `EDGES`.
    order
        Numbers of the convolutions in the order in which what they give is put side by side.
    active
        Activation behind the convolutions; ``identity`` where there are none.
    between
        Activation between dense layers; ``identity`` where there are fewer than two.
    """

    readout: str
    padding: str
    edges: str
    order: tuple[int, ...]
    active: str
    between: str


class TextNetwork(nn.Module):
    """A text classifier whose tokens are pooled, each part under the name that its file uses.

    Parameters
    ----------
    parts
        Parts of the network.
    choice
        Interpretation of what the tensors do not tell.
    """

    def __init__(self, parts: TextParts, choice: Choice) -> None:
        super().__init__()
        name, table = parts.embedding
        embedding = nn.Embedding(len(table), table.shape[1], _weight=table)
        branches: list[Steps] = [
            [(one.name, _convolution(one)), *_normed(one.norm, one.weight.dim())] for one in parts.branches
        ]
        first: Steps = [(name.removesuffix(".weight"), embedding)]
        pieces = [first, *branches, head_of(parts, choice.between)]
        named = iter(usable_names([step for steps in pieces for step in steps]))
        held = [[next(named) for _ in steps] for steps in pieces]
        for own, part in (step for steps in held for step in steps):
            hold(self, own, part)
        (self._table,), *self._branches, self._head = [tuple(own for own, _ in steps) for steps in held]
        self._edges = tuple(EDGES[choice.edges](kernel_of(one)) for one in parts.branches)
        self._choice, self._active = choice, Activation(choice.active)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Give outputs (B, C) of sequences (B, T) of tokens."""
        pooled = [READOUTS[self._choice.readout](one) for one in self._read(x, lengths, self._active)]
        return run([self.get_submodule(name) for name in self._head], joined_by(self._choice.order, pooled))

    def _read(self, x: Tensor, lengths: Tensor | None, active: Function) -> list[Read]:
        """Give what is pooled: of each convolution, behind an activation, or of the embedding alone."""
        values, own = self._embedded(x, lengths)
        if not self._branches:
            return [Read(values, [], own)]
        found = []
        for names, edges in zip(self._branches, self._edges, strict=True):
            steps = [self.get_submodule(name) for name in names]
            padded = F.pad(values, (0, 0, *edges))
            over_image = isinstance(steps[0], nn.Conv2d)
            given = active(run(steps, padded[:, None] if over_image else padded.transpose(1, 2)))
            given = (given.squeeze(3) if over_image else given).transpose(1, 2)
            last = (own.sum(1) + given.shape[1] - x.shape[1]).clamp(min=1)  # of a shorter sequence the first window
            found.append(Read(given, [], torch.arange(given.shape[1], device=x.device) < last[:, None]))
        return found

    def _embedded(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Look up tokens (B, T, E), and say which of them are pooled (B, T)."""
        values: Tensor = self.get_submodule(self._table)(x)
        every = torch.ones(x.shape, dtype=torch.bool, device=x.device)
        if self._choice.padding == TOKEN:
            empty = ~(x != 0).any(1, keepdim=True)  # of which torch's EmbeddingBag makes zeros
            return values * ~empty[..., None], (x != 0) | empty
        if lengths is None or self._choice.padding not in (PADDING[0], ZEROS):
            return values, every
        alive = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        is_left_out = self._choice.padding == PADDING[0]
        return values * alive[..., None], alive if is_left_out else every


def read_tokens(network: TextNetwork, x: Tensor, lengths: Tensor | None) -> list[Read]:
    """Run a network up to what is pooled, without the activation behind its convolutions.

    Parameters
    ----------
    network
        Network whose embedding and convolutions are run.
    x
        Tokens (B, T).
    lengths
        Numbers of tokens that are no padding, (B,); None where none is.
    """
    return network._read(x, lengths, lambda z: z)


def joined_by(order: Sequence[int], pooled: Sequence[Tensor]) -> Tensor:
    """Put what each convolution was pooled to, (B, F), side by side in an order."""
    return torch.cat([pooled[place] for place in order], 1)


def head_of(parts: TextParts, activation: str) -> Steps:
    """Build the norm of what is pooled, and the dense layers with an activation between them."""
    return [*_normed(parts.behind, 2), *dense_steps(parts.dense, activation)]


def _normed(norm: Norm | None, dimensions: int) -> Steps:
    return [] if norm is None else [(norm.name, norm_part(norm, dimensions).eval())]


def _branch(layer: Layer) -> Steps:
    """Build a convolution with the norm behind it."""
    return [(layer.name, _convolution(layer)), *_normed(layer.norm, layer.weight.dim())]


def _convolution(layer: Layer) -> nn.Module:
    """Build a convolution over tokens: over time, or over the embedded tokens as an image of one channel."""
    nodes, channels, *kernel = layer.weight.shape
    made: type[nn.Conv1d] | type[nn.Conv2d] = nn.Conv1d if len(kernel) == 1 else nn.Conv2d
    part = made(channels, nodes, tuple(kernel), bias=layer.bias is not None)  # type: ignore[arg-type]
    part.load_state_dict({"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias}))
    return part.eval()

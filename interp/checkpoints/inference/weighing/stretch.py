"""A candidate's network, cut at its hidden activations, so that these can be changed and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.layers import Layer
from interp.network.activations import ACTIVATIONS, Activation
from interp.network.quick.parts import make_quick


@dataclass(frozen=True)
class Stretch:
    """A network with a linear output, as the modules between its hidden activations.

    Attributes
    ----------
    parts
        Modules up to the first activation, from it to the second, and so on to the last layer's z.
    """

    parts: tuple[tuple[nn.Module, ...], ...]

    @property
    def hidden(self) -> int:
        """Number of hidden activations."""
        return len(self.parts) - 1

    def part(self, number: int, values: Tensor) -> Tensor:
        """Run the modules of one part."""
        for module in self.parts[number]:
            values = module(values)
        return values

    def rest(self, names: Sequence[str], place: int, z: Tensor) -> Tensor:
        """Give the last z from the pre-activations at one place, with activations for it and all later places."""
        for number in range(place, self.hidden):
            z = self.part(number + 1, ACTIVATIONS[names[number]](z))
        return z

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """Modules of all parts, in running order."""
        return tuple(module for part in self.parts for module in part)


def stretched(layers: Sequence[Layer], candidate: Candidate) -> Stretch:
    """Cut the network of a candidate at its hidden activations, whatever these are.

    Parameters
    ----------
    layers
        Layers in running order, none with slopes.
    candidate
        Candidate; its activations and its output are left out.
    """
    parts: list[list[nn.Module]] = [[]]
    network = rebuild(layers, replace(candidate, activation="tanh", output="linear"))
    make_quick(network.to(memory_format=torch.channels_last))
    for module in network.steps():
        if isinstance(module, Activation):
            parts.append([])
        else:
            parts[-1].append(module)
    return Stretch(tuple(tuple(part) for part in parts))

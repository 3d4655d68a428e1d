"""Networks that are no chain, cut at their layers by hooks while they run, one network at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.interventions.edits import Edit, on_values
from interp.network.hooks import edit
from interp.types import NodeLayer
from interp.verdict.reading.networks.cut import Cut, Networks
from interp.verdict.reading.networks.stacked import Following

BLOCK = 64
"""Number of samples that run at once."""


@dataclass(frozen=True)
class Hooked:
    """One network, whose layers' outputs are read and replaced while it runs.

    Attributes
    ----------
    module
        Network, in eval mode.
    layers
        Name of a layer -> layer.
    """

    module: nn.Module
    layers: Mapping[str, NodeLayer]

    def until(self, layer: str, inputs: Tensor) -> Tensor:
        """Keep what the layer gives."""
        kept: list[Tensor] = []

        def keep(values: Tensor) -> Tensor:
            kept.append(values.detach().clone())
            return values

        self._run(layer, inputs, lambda start: keep)
        return torch.cat(kept)[None]

    def after(self, layer: str, inputs: Tensor) -> Following:
        """Run the whole network with other outputs of the layer."""

        def following(outputs: Tensor) -> Tensor:
            changed = outputs[0]
            return self._run(layer, inputs, lambda start: lambda values: changed[start : start + len(values)])[None]

        return following

    def _run(self, layer: str, inputs: Tensor, change: Callable[[int], Callable[[Tensor], Tensor]]) -> Tensor:
        """Run the network block by block of samples, the layer's outputs changed."""
        found, outputs = self.layers[layer], []
        for start in range(0, len(inputs), BLOCK):
            with edit(self.module, found, *on_values(Edit(after=change(start)), found)):
                outputs.append(self.module(inputs[start : start + BLOCK]))
        return torch.cat(outputs)


def hooked_cut(layers: Sequence[NodeLayer], logits: Callable[[Tensor], Tensor]) -> Cut:
    """Cut any network by hooks.

    Parameters
    ----------
    layers
        Layers to cut at.
    logits
        Function of a network's outputs (..., K) whose differences between classes are log-odds.
    """
    known = {layer.name: layer for layer in layers}

    def take(networks: Sequence[nn.Module]) -> Networks:
        return Hooked(networks[0], known)

    return Cut(tuple(known), take, 1, logits)

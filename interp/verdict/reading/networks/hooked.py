"""Networks that are no chain, cut at their layers by hooks while they run, one network at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from interp.interventions.engine.outputs import read_outputs, with_outputs
from interp.network.replay import Replay
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
        found = self.layers[layer]
        return torch.cat([read_outputs(self.module, found, part)[0] for part in torch.split(inputs, BLOCK)])[None]

    def after(self, layer: str, inputs: Tensor) -> Following:
        """Run the network with other outputs of the layer; what comes before it runs once."""
        found, parts = self.layers[layer], torch.split(inputs, BLOCK)
        replays = [Replay(self.module, [found]) for _ in parts]
        for part, replay in zip(parts, replays, strict=True):
            replay(partial(self.module, part), is_plain=True)

        def following(outputs: Tensor) -> Tensor:
            blocks = zip(replays, parts, torch.split(outputs[0], BLOCK), strict=True)
            return torch.cat(
                [replay(partial(with_outputs, self.module, found, part, values)) for replay, part, values in blocks]
            )[None]

        return following


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

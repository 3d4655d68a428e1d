"""A network as something that is cut at its layers: what comes before each, and what follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from interp.types import NodeLayer
from interp.verdict.reading.networks.copies import stack
from interp.verdict.reading.networks.stacked import Following
from interp.verdict.reading.networks.stepwise import StackedSteps

CHUNK = 25
"""Number of networks that run at once: enough to fill a product, few enough to stay in the processor's cache."""


class Networks(Protocol):
    """M networks of one structure, cut at their layers."""

    def until(self, layer: str, inputs: Tensor) -> Tensor:
        """Give the layer's outputs in each network on the same inputs (S, ...), (M, S, N, ...)."""

    def after(self, layer: str, inputs: Tensor) -> Following:
        """Give what follows the layer's outputs on these inputs."""


@dataclass(frozen=True)
class Cut:
    """How networks are cut at their layers.

    Attributes
    ----------
    layers
        Names of the layers, in the order in which they run.
    take
        Function of some networks of one structure that cuts them.
    most
        Largest number of networks that are taken at once.
    logits
        Function of a network's outputs (..., K) whose differences between classes are log-odds.
    """

    layers: tuple[str, ...]
    take: Callable[[Sequence[nn.Module]], Networks]
    most: int = CHUNK
    logits: Callable[[Tensor], Tensor] = lambda outputs: outputs

    def following(self, networks: Networks, layer: str, inputs: Tensor) -> Following:
        """Give the logits of each network as a function of a layer's outputs."""
        after = networks.after(layer, inputs)
        return lambda outputs: self.logits(after(outputs))


def chain_cut(ends: Mapping[str, int], most: int = CHUNK, logits: Callable[[Tensor], Tensor] | None = None) -> Cut:
    """Cut chains that are run in one stack.

    Parameters
    ----------
    ends
        Name of a layer -> number of the chain's steps up to and with its activation.
    most
        Largest number of chains in a stack.
    logits
        Function of a network's outputs (..., K) whose differences between classes are log-odds; None where outputs are
        logits.
    """

    def take(networks: Sequence[nn.Module]) -> Networks:
        copies = stack([network for network in networks if isinstance(network, nn.Sequential)])
        return StackedChains(ends, copies.until, copies.after)

    return Cut(tuple(ends), take, most, logits or (lambda outputs: outputs))


@dataclass(frozen=True)
class StackedChains:
    """Chains in one stack, cut after given numbers of steps."""

    ends: Mapping[str, int]
    run_until: Callable[[int, Tensor], Tensor]
    run_after: Callable[[int], Following]

    def until(self, layer: str, inputs: Tensor) -> Tensor:
        """Run the steps up to and with the layer's activation."""
        return self.run_until(self.ends[layer], inputs)

    def after(self, layer: str, inputs: Tensor) -> Following:
        """Give the steps that follow."""
        return self.run_after(self.ends[layer])


def stepwise_cut(layers: Sequence[NodeLayer], logits: Callable[[Tensor], Tensor]) -> Cut:
    """Cut networks that run a time step at a time, in one stack.

    Parameters
    ----------
    layers
        Layers to cut at.
    logits
        Function of a network's outputs (..., K) whose differences between classes are log-odds.
    """
    known = {layer.name: layer for layer in layers}
    return Cut(tuple(known), lambda networks: StackedSteps(stack(networks), known), CHUNK, logits)

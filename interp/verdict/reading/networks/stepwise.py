"""Recurrent networks in one stack, cut at their layers by hooks while they run.

A time step waits for the one before it, so that calls are what takes time: those of one network do for a whole stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, vmap

from interp.interventions.engine.outputs import read_outputs, with_outputs
from interp.network.recurrent.layers import Unrolled, output_of
from interp.network.tracing.calls import place_of
from interp.types import NodeLayer
from interp.verdict.reading.networks.copies import Copies
from interp.verdict.reading.networks.stacked import Following


@dataclass(frozen=True)
class StackedSteps:
    """Networks of one structure that run a time step at a time, whose layers' outputs are read and replaced meanwhile.

    Attributes
    ----------
    copies
        Networks in one stack.
    layers
        Name of a layer -> layer.
    """

    copies: Copies
    layers: Mapping[str, NodeLayer]

    def until(self, layer: str, inputs: Tensor) -> Tensor:
        """Keep what the layer gives."""
        return self._run(_Read(self.copies.structure, self.layers[layer]), inputs)

    def after(self, layer: str, inputs: Tensor) -> Following:
        """Run the whole networks with other outputs of the layer; of a whole cell's its steps need not run.

        Networks that read the last c as well, which is then not known, run as any other.
        """
        found = self.layers[layer]
        changed = _With(self.copies.structure, found)
        whole = output_of(self.copies.structure, found.tap)
        stands = None if whole is None else _StandsIn(self.copies.structure, found)

        def following(outputs: Tensor) -> Tensor:
            made = None if stands is None else self._run(stands, inputs, outputs)
            return self._run(changed, inputs, outputs) if made is None or bool(made.isnan().any()) else made

        return following

    def _run(self, module: nn.Module, inputs: Tensor, *own: Tensor) -> Tensor:
        def call(state: Mapping[str, Tensor], *values: Tensor) -> Any:
            named = {f"network.{name}": value for name, value in state.items()}
            return functional_call(module, named, (inputs, *values))

        found: Tensor = vmap(call, in_dims=(0,) * (1 + len(own)))(self.copies.state, *own)
        return found


class _Read(nn.Module):
    """A network that gives one of its layers' outputs."""

    def __init__(self, network: nn.Module, layer: NodeLayer) -> None:
        super().__init__()
        self.network, self.layer = network, layer

    def forward(self, inputs: Tensor) -> Tensor:
        """Run the network and keep what the layer gives."""
        return read_outputs(self.network, self.layer, inputs)[0]


class _With(_Read):
    """A network that takes one of its layers' outputs."""

    def forward(self, inputs: Tensor, *values: Tensor) -> Tensor:
        """Run the network with these outputs of the layer."""
        return with_outputs(self.network, self.layer, inputs, values[0])


class _StandsIn(_Read):
    """A network that takes the outputs of one of its cells, whose steps it does not run."""

    def forward(self, inputs: Tensor, *values: Tensor) -> Tensor:
        """Run the network with these outputs of the cell."""
        part = output_of(self.network, self.layer.tap)
        assert part is not None
        with part.standing_in(values[0].movedim(-1, 1)):
            outputs: Tensor = self.network(inputs)
        return outputs


def runs_no_steps(network: nn.Module, layers: Sequence[NodeLayer], layer: NodeLayer) -> bool:
    """Whether no time step is run behind a layer whose outputs are given: it is the last cell's, in one direction.

    Parameters
    ----------
    network
        Network, unrolled.
    layers
        All of its layers, in network order.
    layer
        One of them.
    """
    later = layers[[each.name for each in layers].index(layer.name) + 1 :]
    if any(each.is_stepwise for each in later) or output_of(network, layer.tap) is None:
        return False
    owner = place_of(network, layer.tap.rpartition(".")[0].rpartition(".")[0])
    return isinstance(owner, Unrolled) and not owner.bidirectional

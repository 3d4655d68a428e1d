"""Sites: layers as places to intervene. What comes before runs once for a block of rows, what follows once per edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from torch import Tensor, nn

from interp.interventions.edits import Edit, on_values
from interp.interventions.engine.activate import activate
from interp.network.chain import chain_steps, run, split_at
from interp.network.copies import MOST, at_places, can_copy, copy_of, quick_copy_of
from interp.network.hooks import WITHOUT_OUTPUT, edit
from interp.network.replay import Replay
from interp.types import LoadedModel, NodeLayer

JointEdit = Mapping[str, Edit]
"""Layer name -> what is done to that layer; the edits of all layers act at the same time."""

UNCHANGED: JointEdit = {}
"""The joint edit that changes nothing."""

KEEPING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Dropout, nn.Identity)
"""Steps that may stand between z and its activation."""


@dataclass(frozen=True)
class ChainSite:
    """One layer of a chain of modules.

    Attributes
    ----------
    layer
        Layer to intervene on.
    before
        Steps up to z, inclusive.
    active
        Steps from z up to the activation, inclusive.
    following
        Steps after the activation.
    """

    layer: NodeLayer
    before: Sequence[nn.Module]
    active: Sequence[nn.Module]
    following: Sequence[nn.Module]

    @property
    def name(self) -> str:
        """Name of the layer."""
        return self.layer.name

    def at(self, inputs: Tensor) -> ChainState:
        """Run what comes before the layer on a block of inputs (B, ...)."""
        return ChainState(self, run(self.before, inputs))


@dataclass(frozen=True)
class ChainState:
    """A chain at one block of inputs, run up to its site.

    Attributes
    ----------
    site
        Layer at which the chain is cut.
    z
        Pre-activations (B, N, ...), or (B, ..., N) of a linear map over sequences.
    """

    site: ChainSite
    z: Tensor

    def outputs(self, edits: JointEdit) -> Tensor:
        """Give the network's outputs under an edit, (B, C)."""
        on_z, on_output = on_values(edits.get(self.site.name, Edit()), self.site.layer)
        z = self.z if on_z is None else on_z(self.z)
        if z.data_ptr() == self.z.data_ptr():
            z = z.clone()  # an activation may be in place
        outputs = activate(self.site.active, z)
        return run(self.site.following, outputs if on_output is None else on_output(outputs))

    def outputs_of(self, edits: Sequence[JointEdit]) -> list[Tensor]:
        """Give the network's outputs under each of some edits, (B, C) each."""
        return [self.outputs(each) for each in edits]


@dataclass(frozen=True)
class HookedSite:
    """Some layers of any network, edited by hooks while it runs.

    Attributes
    ----------
    module
        Network that the hooks are set on.
    layers
        Layer name -> layer, of all layers that edits may name.
    before
        Steps that come before all of these layers; none where the network is no chain.
    following
        Steps from the first of these layers on; the whole network where it is no chain.
    copies
        Copies of the network, for threads beside this one; none of a network that is a chain.
    """

    module: nn.Module
    layers: Mapping[str, NodeLayer]
    before: Sequence[nn.Module]
    following: Sequence[nn.Module]
    copies: Sequence[nn.Module] = ()

    @property
    def name(self) -> str:
        """Names of the layers."""
        return ", ".join(self.layers)

    def among(self, threads: int) -> HookedSite:
        """Give this site on a quick copy of the network for each of some threads, `MOST` at most.

        It is this very site where the network is a chain, or cannot be copied.
        """
        if list(self.following) != [self.module] or not can_copy(self.module):
            return self
        first = quick_copy_of(self.module, self.layers.values())
        copies = [copy_of(first) for _ in range(min(threads, MOST) - 1)]
        return replace(self, module=first, following=[first], copies=copies)

    def at(self, inputs: Tensor) -> HookedState:
        """Run what comes before all layers on a block of inputs (B, ...)."""
        return HookedState(self, run(self.before, inputs), Replay(self.module, self.layers.values()))


@dataclass(frozen=True)
class HookedState:
    """A network at one block of inputs, run as far as none of the site's layers has a say.

    Attributes
    ----------
    site
        Layers that edits may name.
    values
        Values that the first of the following steps reads, (B, ...).
    replay
        Runs on these values, which differ from the layers on only.
    """

    site: HookedSite
    values: Tensor
    replay: Replay

    def outputs(self, edits: JointEdit) -> Tensor:
        """Give the network's outputs under the edits of all layers, (B, C)."""
        with ExitStack() as stack:
            for name, change in edits.items():
                layer = self.site.layers[name]
                stack.enter_context(edit(self.site.module, layer, *on_values(change, layer)))
            return self.replay(lambda: run(self.site.following, self.values), is_plain=not edits)

    def outputs_of(self, edits: Sequence[JointEdit]) -> list[Tensor]:
        """Give the network's outputs under each of some edits, at once on the network and its copies."""
        return at_places(HookedState.outputs, [self, *map(self._on, self.site.copies)], edits)

    def _on(self, copy: nn.Module) -> HookedState:
        return HookedState(replace(self.site, module=copy, following=[copy]), self.values, self.replay.on(copy))


Site = ChainSite | HookedSite
State = ChainState | HookedState


def find_site(model: LoadedModel, layers: Mapping[str, NodeLayer]) -> Site:
    """Give some layers of a network as a place to intervene.

    Parameters
    ----------
    model
        Network; where it is a chain, what comes before the layers runs once for a block of rows.
    layers
        Layer name -> layer.
    """
    parts = [split_at(model.module, layer.tap) for layer in layers.values()]
    cuts = [part for part in parts if part is not None]
    if not cuts or len(cuts) < len(parts):
        return HookedSite(model.module, layers, [], [model.module])
    if len(cuts) == 1:
        return _chain_site(next(iter(layers.values())), *cuts[0])
    steps, first = chain_steps(model.module) or [], min(len(before) for before, _ in cuts) - 1
    return HookedSite(model.module, layers, steps[:first], steps[first:])


def _chain_site(layer: NodeLayer, before: Sequence[nn.Module], rest: Sequence[nn.Module]) -> ChainSite:
    kept = next((i for i, step in enumerate(rest) if not isinstance(step, KEEPING)), len(rest))
    active = 0 if layer.activation in WITHOUT_OUTPUT else kept + 1
    return ChainSite(layer, before, rest[:active], rest[active:])

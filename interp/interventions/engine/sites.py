"""A layer as a place to intervene: what comes before it runs once, what follows once for every edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.interventions.edits import Edit, on_values
from interp.network.activations import Activation
from interp.network.chain import run, split_at
from interp.network.hooks import WITHOUT_OUTPUT, edit
from interp.types import LoadedModel, NodeLayer

KEEPING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Dropout, nn.Identity)
"""Steps that may stand between z and its activation."""


@dataclass(frozen=True)
class Place:
    """A layer of a chain.

    Attributes
    ----------
    before
        Steps up to z.
    active
        Steps from z up to and with the activation.
    rest
        Steps after it.
    """

    layer: NodeLayer
    before: Sequence[nn.Module]
    active: Sequence[nn.Module]
    rest: Sequence[nn.Module]

    def __call__(self, inputs: Tensor) -> Site:
        """Run what comes before the layer."""
        return Site(self, run(self.before, inputs))


@dataclass(frozen=True)
class Site:
    """A layer of a chain, at one block of inputs: z is (B, N, ...), or (B, ..., N) of a linear map over sequences."""

    place: Place
    z: Tensor

    def run(self, change: Edit) -> Tensor:
        """Give the network's outputs under an edit, (B, C)."""
        on_z, on_output = on_values(change, self.place.layer)
        z = self.z if on_z is None else on_z(self.z)
        if z.data_ptr() == self.z.data_ptr():
            z = z.clone()  # an activation may be in place
        outputs = activate(self.place.active, z)
        return run(self.place.rest, outputs if on_output is None else on_output(outputs))


IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "torch.nn.modules.activation.ReLU": torch.relu_,
    "torch.nn.modules.activation.Tanh": torch.tanh_,
    "torch.nn.modules.activation.Sigmoid": torch.sigmoid_,
    "zoo.layers.Abs": torch.abs_,
}
"""Activations that may overwrite z, which is ours: a new tensor an edit costs more than the arithmetic."""


def activate(steps: Sequence[nn.Module], z: Tensor) -> Tensor:
    """Run the activation on values that nothing else reads."""
    if len(steps) != 1:
        return run(steps, z)
    step = steps[0]
    if isinstance(step, Activation):
        return IN_PLACE_NAMES.get(step.name, step)(z)
    return IN_PLACE.get(f"{type(step).__module__}.{type(step).__qualname__}", step)(z)


IN_PLACE_NAMES: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
    "abs": torch.abs_,
}


@dataclass(frozen=True)
class HookedSite:
    """A layer of a network that is no chain: hooks edit a run of the whole."""

    model: LoadedModel
    layer: NodeLayer
    inputs: Tensor

    def run(self, change: Edit) -> Tensor:
        """Give the network's outputs under an edit, (B, C)."""
        with edit(self.model.module, self.layer, *on_values(change, self.layer)):
            outputs: Tensor = self.model.module(self.inputs)
        return outputs


def open_site(model: LoadedModel, layer: NodeLayer) -> Place | Callable[[Tensor], HookedSite]:
    """Give inputs -> site: a `Place` where the network is a chain."""
    parts = split_at(model.module, layer.tap)
    if parts is None:
        return lambda x: HookedSite(model, layer, x)
    before, rest = parts
    kept = next((i for i, step in enumerate(rest) if not isinstance(step, KEEPING)), len(rest))
    active = 0 if layer.activation in WITHOUT_OUTPUT else kept + 1
    return Place(layer, before, rest[:active], rest[active:])

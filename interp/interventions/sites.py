"""A layer as a place to intervene: what comes before it runs once, what follows once for every edit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.activations import ACTIVATIONS, Activation
from interp.chain import run, split_at
from interp.hooks import WITHOUT_OUTPUT, edit
from interp.interventions.edits import Edit, on_values
from interp.types import LoadedModel, NodeLayer

KEEPING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Dropout, nn.Identity)
"""Steps that may stand between z and its activation."""


@dataclass(frozen=True)
class Site:
    """A layer of a chain, at one block of inputs.

    Attributes
    ----------
    z
        (B, N, ...), or (B, ..., N) of a linear map over sequences.
    active
        Steps up to and with the activation.
    rest
        Steps after it.
    """

    layer: NodeLayer
    z: Tensor
    active: Sequence[nn.Module]
    rest: Sequence[nn.Module]

    def run(self, change: Edit) -> Tensor:
        """Give the network's outputs under an edit, (B, C)."""
        on_z, on_output = on_values(change, self.layer)
        z = self.z if on_z is None else on_z(self.z)
        if z.data_ptr() == self.z.data_ptr():
            z = z.clone()  # an activation may be in place
        outputs = activate(self.active, z)
        return run(self.rest, outputs if on_output is None else on_output(outputs))


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


def open_site(model: LoadedModel, layer: NodeLayer) -> tuple[Callable[[Tensor], Site | HookedSite], int]:
    """Give inputs -> site, and how many threads may work on sites at once.

    Hooks belong to the module, so where they are needed it is one thread.
    """
    parts = split_at(model.module, layer.tap)
    if parts is None:
        return (lambda x: HookedSite(model, layer, x)), 1
    before, rest = parts
    kept = next((i for i, step in enumerate(rest) if not isinstance(step, KEEPING)), len(rest))
    active = [] if layer.activation in WITHOUT_OUTPUT else rest[: kept + 1]
    return (lambda x: Site(layer, run(before, x), active, rest[len(active) :])), os.cpu_count() or 1


def acts_on_each_node_alone(site: Site | HookedSite, layer: NodeLayer) -> bool:
    """Whether a change of one node's z is a change of one column of what a linear map reads."""
    if not isinstance(site, Site) or site.z.dim() != 2 or not site.rest or type(site.rest[0]) is not nn.Linear:
        return False
    passing = (nn.Flatten, nn.Dropout, nn.Identity)
    return layer.activation in ACTIVATIONS and all(isinstance(step, passing) for step in site.active[:-1])

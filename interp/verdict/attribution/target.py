"""What importance is measured of: one output of each sample, and a layer's part in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.network.inputs import as_tensor, device_of
from interp.tasks import find_task, predict
from interp.types import Array, LoadedModel, NodeLayer


@dataclass(frozen=True)
class Target:
    """One output of each sample, as a function of a layer's nodes.

    Attributes
    ----------
    model
        Network whose outputs these are.
    layer
        Layer whose nodes may matter.
    x
        Scaled inputs of the network, samples on axis 0.
    column
        Index of each sample's output, (S,).
    """

    model: LoadedModel
    layer: NodeLayer
    x: Tensor
    column: Tensor

    @property
    def forward(self) -> Callable[[Tensor], Tensor]:
        """The function whose output `column` is."""
        return forward(self.model)

    def values(self) -> Tensor:
        """Run the network, and give that output of each sample, (S,)."""
        return self.forward(self.x).gather(1, self.column[:, None])[:, 0]


def forward(model: LoadedModel) -> Callable[[Tensor], Tensor]:
    """Give what is attributed: the network, or the sum of its outputs (B, 1) where they are measured values."""
    if not find_task(model.task).measured:
        return model.module
    return lambda x: model.module(x).sum(1, keepdim=True)


@torch.no_grad()
def largest_output(model: LoadedModel, layer: NodeLayer, inputs: Array) -> Target:
    """Give the output to look at: each sample's largest, as the network's predictions read it.

    Parameters
    ----------
    inputs
        Inputs as stored, (S, D).
    """
    x = as_tensor(inputs, model.scaling, model.input_shape).to(device_of(model.module))
    outputs = forward(model)(x)
    guess = predict(outputs, model.output)
    return Target(model, layer, x, torch.zeros_like(guess) if outputs.shape[1] == 1 else guess)

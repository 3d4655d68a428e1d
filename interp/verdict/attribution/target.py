"""The output of each sample that importance is measured for, as a function of a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from interp.network.inputs import as_tensor, device_of
from interp.network.replay import Replay
from interp.tasks import find_task
from interp.types import Array, LoadedModel, NodeLayer


@dataclass(frozen=True)
class Target:
    """One output of each sample, as a function of a layer's nodes.

    Attributes
    ----------
    model
        Network whose outputs these are.
    layer
        Layer whose nodes are measured.
    x
        Scaled inputs of the network, samples on axis 0.
    column
        Index of each sample's output, (S,).
    replay
        Runs on these inputs that differ from the layer on only.
    """

    model: LoadedModel
    layer: NodeLayer
    x: Tensor
    column: Tensor
    replay: Replay

    @property
    def forward(self) -> Callable[[Tensor], Tensor]:
        """Function of scaled inputs whose outputs `column` points into."""
        return forward(self.model)

    def on(self, copy: nn.Module) -> Target:
        """Give the same output of a copy of the network, whose hooks are its own; what runs are known are its too."""
        return replace(self, model=replace(self.model, module=copy), replay=self.replay.on(copy))

    def anew_on(self, copy: nn.Module) -> Target:
        """Give the same output of a copy of the network, of which no run is known yet."""
        return replace(self, model=replace(self.model, module=copy), replay=Replay(copy, [self.layer]))

    def again(self, x: Tensor) -> Tensor:
        """Give `forward` of these inputs, changed from the layer on only; what comes before it is not run again."""
        return self.replay(lambda: self.forward(x))

    def values(self, is_plain: bool = False) -> Tensor:
        """Run the network, and give the chosen output of each sample, (S,).

        Parameters
        ----------
        is_plain
            Whether nothing of the network is changed.
        """
        outputs = self.replay(lambda: self.forward(self.x), is_plain)
        return outputs.gather(1, self.column[:, None])[:, 0]


def forward(model: LoadedModel) -> Callable[[Tensor], Tensor]:
    """Give the function that is attributed: the network, or the sum (B, 1) of outputs that are measured values."""
    if not find_task(model.task).measured:
        return model.module
    return lambda x: model.module(x).sum(1, keepdim=True)


@torch.no_grad()
def largest_output(model: LoadedModel, layer: NodeLayer, inputs: Array) -> Target:
    """Choose the largest output of each sample, that of the predicted class.

    Parameters
    ----------
    model
        Network whose outputs are attributed.
    layer
        Layer whose nodes are measured.
    inputs
        Inputs as stored (S, D).

    Returns
    -------
    Target
        Chosen outputs; the sum of the outputs where they are measured values.
    """
    x = as_tensor(inputs, model.scaling, model.input_shape).to(device_of(model.module))
    outputs = forward(model)(x)
    return Target(model, layer, x, outputs.argmax(1), Replay(model.module, [layer]))

"""What a layer gives in one run of the network, read or replaced as a whole."""

from __future__ import annotations

from torch import Tensor, nn

from interp.interventions.edits import Edit, on_values
from interp.network.hooks import edit
from interp.network.layouts import in_time
from interp.types import NodeLayer


def read_outputs(module: nn.Module, layer: NodeLayer, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Run a network and keep what one of its layers gives.

    Parameters
    ----------
    module
        Network that the layer is part of.
    layer
        Layer whose outputs are kept.
    inputs
        Scaled inputs (B, ...).

    Returns
    -------
    values
        Outputs of the layer's activation, nodes second: (B, N), (B, N, H, W), or (B, N, T) at T time steps.
    outputs
        Outputs of the network (B, C).

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> values, _ = read_outputs(network, NodeLayer("0", "linear", 3, 2, "relu", "0"), torch.ones(5, 2))
    >>> values.shape
    torch.Size([5, 3])
    """
    kept: list[Tensor] = []

    def keep(values: Tensor) -> Tensor:
        kept.append(values.detach().clone())
        return values

    with edit(module, layer, *on_values(Edit(after=keep), layer)):
        outputs: Tensor = module(inputs)
    return in_time(kept, layer).movedim(1, -1) if layer.is_stepwise else kept[-1], outputs


def with_outputs(module: nn.Module, layer: NodeLayer, inputs: Tensor, values: Tensor) -> Tensor:
    """Run a network with given outputs in place of what one of its layers gives.

    Parameters
    ----------
    module, layer, inputs
        Arguments of `read_outputs`.
    values
        Outputs that the layer is to give, in the form in which `read_outputs` has them; of a layer that runs a time
        step at a time those of every step, so that nothing flows from step to step through it.

    Returns
    -------
    Tensor
        Outputs of the network (B, C).

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    >>> with_outputs(network, NodeLayer("0", "linear", 3, 2, "relu", "0"), torch.ones(1, 2), torch.zeros(1, 3)).item()
    0.0
    """
    steps = list(values.unbind(-1)) if layer.is_stepwise else [values]
    order = iter(steps[::-1] if layer.layout == "steps-backwards" else steps)
    with edit(module, layer, *on_values(Edit(after=lambda _: next(order)), layer)):
        outputs: Tensor = module(inputs)
    return outputs

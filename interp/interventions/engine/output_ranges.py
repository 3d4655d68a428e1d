"""Ranges of a layer's outputs over some inputs, to take levels in fractions of."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from interp.analysis import output_statistics
from interp.interventions.edits import Edit, Ranges
from interp.interventions.engine.sites import find_site
from interp.network.inputs import input_blocks
from interp.types import Array, LoadedModel, NodeLayer


def output_ranges(model: LoadedModel, layer: NodeLayer, inputs: Array) -> Ranges:
    """Measure the least, largest and mean activation output of each node.

    Parameters
    ----------
    model
        Network that the layer belongs to.
    layer
        Layer whose activation outputs are measured; where no activation is recognised, its pre-activations.
    inputs
        Stored inputs, (S, D).

    Returns
    -------
    ranges
        Least, largest and mean output of each node, over all positions of a convolution.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> ranges = output_ranges(model, model.layers[0], data.train.inputs)
    >>> ranges.low.shape, bool((ranges.low >= 0).all())  # outputs of ReLU nodes
    ((48,), True)
    """
    found = output_statistics(_rows_of_outputs(model, layer, inputs))
    return Ranges(found.low, found.high, found.mean)


@torch.no_grad()
def _rows_of_outputs(model: LoadedModel, layer: NodeLayer, inputs: Array) -> Iterator[Array]:
    """Yield the outputs of each block of inputs, one row a sample or position, (rows, N)."""
    site, seen = find_site(model, {layer.name: layer}), []

    def look(outputs: Tensor) -> Tensor:
        seen.append(outputs.transpose(0, 1).flatten(1).clone())  # what follows may be in place
        return outputs

    for _, x in input_blocks(model, inputs):
        site.at(x).outputs({layer.name: Edit(after=look)})
        yield seen.pop().cpu().numpy().T  # each node's values side by side in memory: extremes take a tenth of the time

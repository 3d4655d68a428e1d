"""Networks put together from tuned layers, down to the read-out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.planted.data.samples import PlantedData
from zoo.planted.data.tiles import SIDE
from zoo.planted.learned.plain import conv_steps, pool_steps
from zoo.planted.planted import chain
from zoo.planted.sizes import Build, Built, Sizes
from zoo.planted.tuned.deeper import gather
from zoo.planted.tuned.distances import MakeTuned
from zoo.planted.tuned.layers import TRUTHS, Sense, Tuned, read_out


def build(first: MakeTuned) -> Build:
    """Make a family of networks out of a first layer: further ones gather, and the read-out adds up.

    Parameters
    ----------
    first
        Plants the first layer on what its nodes see. Each further layer is small or large on its class at random.
    """

    def made(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
        inputs, labels = data.train
        layer = first(data.rows, data.classes, sizes.widths[0], generator)
        layer = as_convolution(layer, inputs) if inputs.dim() == 4 else layer
        layers, outputs = [layer], layer.outputs(inputs)
        for width in sizes.widths[1:]:
            layers.append(gather(layers[-1], outputs, labels, _toss(generator), width, data.classes, generator))
            outputs = layers[-1].outputs(outputs)
        last = read_out(layers[-1], outputs, labels, data.classes, generator)
        truth = {f"hidden{index}": TRUTHS[layer.sense] for index, layer in enumerate(layers, 1)}
        return chain([layer.steps for layer in layers], last), truth

    return made


def as_convolution(layer: Tuned, images: Tensor) -> Tuned:
    """Turn a layer that was planted on tiles into a convolution over images of them.

    Raises
    ------
    TypeError
        If the layer's map is no `nn.Linear`: there is no convolution of distances.
    """
    dense, activation = layer.steps
    if not isinstance(dense, nn.Linear):
        raise TypeError(f"a {type(dense).__name__} cannot be made a convolution; plant an nn.Linear on tiles")
    convolution, *_ = conv_steps(images, dense.out_features)
    assert isinstance(convolution, nn.Conv2d)
    with torch.no_grad():
        convolution.weight.copy_(dense.weight.view(-1, 1, SIDE, SIDE))
        assert convolution.bias is not None
        convolution.bias.copy_(dense.bias)
    return Tuned((convolution, activation, *pool_steps(images)), layer.owner, layer.sense)


def _toss(generator: torch.Generator) -> Sense:
    return "low" if bool(torch.rand((), generator=generator) < 0.5) else "high"

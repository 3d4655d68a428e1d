"""Layers of which one half is read as distances and the other as intensities."""

from __future__ import annotations

import torch
from torch import nn

from zoo.planted.data.samples import PlantedData
from zoo.planted.planted import chain
from zoo.planted.sizes import Built, Sizes
from zoo.planted.tuned.distances import relu_pairs
from zoo.planted.tuned.intensities import templates
from zoo.planted.tuned.layers import linear, read_out


def both(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Plant ReLU pairs that are small on their class beside templates that are large on theirs, in one layer.

    Each half's read-out is that of a network of its own, divided by the spread of its winning margin, so that both
    halves weigh alike in the decision. The first half of the nodes are the distances.
    """
    inputs, labels = data.train
    half = sizes.widths[0] // 4 * 2
    parts = [make(data.rows, data.classes, half, generator) for make in (relu_pairs, templates)]
    weights = []
    for part in parts:
        outputs = part.outputs(inputs)
        weight = read_out(part, outputs, labels, data.classes, generator).weight
        top = (outputs @ weight.T).topk(2, dim=1).values
        weights.append(weight / (top[:, 0] - top[:, 1]).std())
    joined = [one for part in parts if isinstance(one := part.steps[0], nn.Linear)]
    hidden = linear(torch.cat([one.weight for one in joined]), torch.cat([one.bias for one in joined]))
    return chain([(hidden, nn.ReLU())], linear(torch.cat(weights, 1), torch.zeros(data.classes))), {"hidden1": "both"}

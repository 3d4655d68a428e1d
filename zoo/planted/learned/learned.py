"""Networks that learned to read one end of their nodes' ranges because nothing else was left to them."""

from __future__ import annotations

import torch
from torch import nn

from zoo.planted.data.samples import Labelled, PlantedData
from zoo.planted.learned.plain import plain
from zoo.planted.learned.training import train
from zoo.planted.planted import Truth, ends, hidden_names
from zoo.planted.sizes import Build, Built, Sizes
from zoo.planted.tuned.geometry import owners
from zoo.planted.tuned.layers import TRUTHS, Sense, any_gauge, linear, own_sums

SHARPNESS = 4.0
"""Factor of a fixed read-out's means: the softmax needs logits some units apart."""
TOOK = 0.1
"""Difference of the accuracies with either half of the ranks from which on clamp noise has taken."""


def clamped(sense: Sense, layer: int) -> Build:
    """Make a family that is trained with one end of one hidden layer's outputs taken away.

    Training does not always take: a network may be right without the one end and without the other. What is read is
    known only where it is right clearly more often with the half of the ranks that was left to it than with the other.

    Parameters
    ----------
    sense
        The end that is left, and that is all that can be read there.
    layer
        Index of the hidden layer; what is read of the others is not known.
    """

    def made(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
        network = plain(data, sizes, generator)
        names = hidden_names(network)
        chosen = names[layer]
        seed = int(torch.randint(2**31, (), generator=generator))
        train(network, data.train, {chosen.replace("hidden", "activation"): sense}, seed=seed)
        truth: dict[str, Truth] = dict.fromkeys(names, "unknown")
        low, high = (half_accuracy(network, ends(network)[chosen], data.train, end) for end in ("low", "high"))
        took = (low - high if sense == "low" else high - low) > TOOK
        return network, truth | {chosen: TRUTHS[sense] if took else "unknown"}

    return made


@torch.no_grad()
def half_accuracy(network: nn.Sequential, end: int, part: Labelled, kept: Sense) -> float:
    """Measure the accuracy with only one half of a layer's ranks: the other half's values become the node's median."""
    inputs, labels = part
    outputs = network[:end](inputs)
    median = outputs.transpose(0, 1).flatten(1).median(1).values.view(1, -1, *[1] * (outputs.dim() - 2))
    halved = torch.minimum(outputs, median) if kept == "low" else torch.maximum(outputs, median)
    return float((network[end:](halved).argmax(1) == labels).float().mean())


def fixed_read_out(sense: Sense) -> Build:
    """Make a family that is trained below a fixed read-out: a class's score is its own nodes' mean, or its negative.

    Parameters
    ----------
    sense
        Whether a class wins by small outputs of its own nodes or by large ones.
    """
    sign = -1.0 if sense == "low" else 1.0

    def made(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
        network = plain(data, sizes, generator)
        owner = owners(sizes.widths[-1], data.classes)
        features = network.get_parameter("output.weight").shape[1]
        owner = owner.repeat_interleave(features // len(owner))  # all parts of a channel's image are its class's
        sums = own_sums(owner, data.classes, generator)
        network.output = linear(any_gauge(sign * SHARPNESS * sums, generator), torch.zeros(data.classes))
        train(network, data.train, frozen=["output"])
        *lower, last = hidden_names(network)
        truth: dict[str, Truth] = dict.fromkeys(lower, "unknown")
        return network, truth | {last: TRUTHS[sense]}

    return made


def random_labels(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Train on labels that are dealt out anew, so that there is nothing to learn but the samples by heart."""
    network = plain(data, sizes, generator)
    inputs, labels = data.train
    train(network, (inputs, labels[torch.randperm(len(labels), generator=generator)]))
    return network, dict.fromkeys(hidden_names(network), "unknown")


def trained(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Train as anybody would; what it reads is not known."""
    network = train(plain(data, sizes, generator), data.train)
    return network, dict.fromkeys(hidden_names(network), "unknown")

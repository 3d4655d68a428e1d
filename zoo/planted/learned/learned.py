"""Networks that learned to read one end of their nodes' ranges because nothing else was left to them."""

from __future__ import annotations

import torch

from zoo.planted.data.samples import PlantedData
from zoo.planted.learned.plain import plain
from zoo.planted.learned.training import train
from zoo.planted.planted import Truth, hidden_names
from zoo.planted.sizes import Built, Sizes
from zoo.planted.tuned.geometry import owners
from zoo.planted.tuned.layers import TRUTHS, Sense, any_gauge, linear, own_sums

SHARPNESS = 4.0
"""Factor of a fixed read-out's means: the softmax needs logits some units apart."""


def clamped_above(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Train with the high end of one hidden layer taken away, so that low outputs are all that can be read there."""
    return _clamped(data, sizes, generator, "low")


def clamped_below(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Train with the low end of one hidden layer taken away, so that high outputs are all that can be read there."""
    return _clamped(data, sizes, generator, "high")


def _clamped(data: PlantedData, sizes: Sizes, generator: torch.Generator, sense: Sense) -> Built:
    network = plain(data, sizes, generator)
    names = hidden_names(network)
    chosen = names[int(torch.randint(len(names), (), generator=generator))]
    train(network, data.train, {chosen.replace("hidden", "activation"): sense}, seed=_seed(generator))
    truth: dict[str, Truth] = dict.fromkeys(names, "unknown")
    return network, truth | {chosen: TRUTHS[sense]}


def negative_read_out(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Train below a read-out that is fixed: a class's score is its own nodes' mean with the sign changed."""
    return _fixed(data, sizes, generator, "low")


def positive_read_out(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Train below a read-out that is fixed: a class's score is its own nodes' mean."""
    return _fixed(data, sizes, generator, "high")


def _fixed(data: PlantedData, sizes: Sizes, generator: torch.Generator, sense: Sense) -> Built:
    network = plain(data, sizes, generator)
    sums = own_sums(owners(sizes.widths[-1], data.classes), data.classes, generator)
    sign = -1.0 if sense == "low" else 1.0
    network.output = linear(any_gauge(sign * SHARPNESS * sums, generator), torch.zeros(data.classes))
    train(network, data.train, frozen=["output"])
    *lower, last = hidden_names(network)
    truth: dict[str, Truth] = dict.fromkeys(lower, "unknown")
    return network, truth | {last: TRUTHS[sense]}


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


def _seed(generator: torch.Generator) -> int:
    return int(torch.randint(2**31, (), generator=generator))

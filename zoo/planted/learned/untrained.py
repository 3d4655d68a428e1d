"""Networks that learned nothing: fresh, shuffled, and at a batch norm's initialisation."""

from __future__ import annotations

import torch
from torch import nn

from interp.interventions import permute
from zoo.planted.data.samples import PlantedData
from zoo.planted.learned.learned import trained
from zoo.planted.learned.plain import plain
from zoo.planted.planted import hidden_names
from zoo.planted.sizes import Build, Built, Sizes
from zoo.planted.tuned.built import build
from zoo.planted.tuned.distances import l1_mahalanobis, offset_l2, relu_pairs
from zoo.planted.tuned.intensities import templates


def untrained(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Initialise, and leave it at that."""
    return _nothing(plain(data, sizes, generator))


def batch_norm(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Initialise with batch norms whose statistics are those of the training samples."""
    network = plain(data, sizes, generator, norm=True)
    for step in network:
        if isinstance(step, nn.BatchNorm1d | nn.BatchNorm2d):
            step.momentum = None  # a plain average over what is seen, here one pass
    network.train()
    with torch.no_grad():
        network(data.train[0])
    return _nothing(network.eval())


def shuffled(data: PlantedData, sizes: Sizes, generator: torch.Generator) -> Built:
    """Plant or train any network and permute the entries of each of its parameters."""
    which = int(torch.randint(len(SHUFFLED), (), generator=generator))
    network, _ = SHUFFLED[which](data, sizes, generator)
    for parameter in network.parameters():
        permute(parameter, generator)
    return _nothing(network)


SHUFFLED: tuple[Build, ...] = (trained, build(l1_mahalanobis), build(relu_pairs), build(offset_l2), build(templates))


def _nothing(network: nn.Sequential) -> Built:
    return network, dict.fromkeys(hidden_names(network), "neither")

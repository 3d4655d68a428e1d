"""Networks with another activation behind some layers than behind others, found by what lowers the loss.

Every combination would be too many. Two kinds, one up to a layer and another from there on, are tried first; from the
best of them, one layer after the other takes the activation under which the loss is least. One activation behind all
layers but convolutions of 1x1 is tried besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from interp.checkpoints.inference.candidates.by_layer import joined, spread
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.stretch import Stretch, stretched
from interp.network.activations import ACTIVATIONS

STARTS = 3
"""Number of combinations from which the search goes on, one layer after the other."""

NEAR = 64
"""Number of combinations of two kinds that are given besides: those of the least loss."""

GAIN = 0.01
"""Least share by which another activation behind one layer must lower the loss to be taken."""

SWEEPS = 2
"""Largest number of times that every layer is gone through."""

Loss = Callable[[Tensor], float]
"""Last layer's z (S, C) of some rows -> their mean loss."""

Names = tuple[str, ...]
"""Activation behind each hidden layer."""


@torch.no_grad()
def mixed(layers: Sequence[Layer], base: Candidate, early: Sequence[str], x: Tensor, loss: Loss) -> list[Candidate]:
    """Find combinations of activations that explain the answers better than others near them.

    Parameters
    ----------
    layers
        Layers in running order, of which two at least are hidden.
    base
        Candidate that states everything but the activations.
    early
        Activations that are tried behind the first layers.
    x
        Inputs of some rows as the network takes them, (S, ...).
    loss
        Function of the last layer's z of these rows that gives their mean loss.

    Returns
    -------
    list of Candidate
        Those at which the search ended, then the best of two kinds.
    """
    network = stretched(layers, base)
    first = network.part(0, x)
    convolutions = min(sum(layer.is_convolution for layer in layers), network.hidden)
    found = dict(_two_kinds(network, early, first, loss, convolutions))
    found |= {names: loss(network.rest(names, 0, first)) for names in _but_pointwise(layers[: network.hidden], early)}
    starts = sorted(found, key=lambda names: found[names])[:STARTS]
    ends = [_descended(network, names, convolutions, first, loss, found[names]) for names in starts]
    near = sorted(found, key=lambda names: found[names])[:NEAR]
    return [replace(base, activation=joined(names)) for names in dict.fromkeys([*ends, *near]) if len(set(names)) > 1]


def _but_pointwise(hidden: Sequence[Layer], begin: Sequence[str]) -> Iterator[Names]:
    """Yield one activation behind all layers but convolutions of 1x1, where there are larger ones too.

    Those that only bring many channels to few, between blocks of others, often have no activation.
    """
    pointwise = [layer.is_convolution and max(layer.weight.shape[2:]) == 1 for layer in hidden]
    larger = any(layer.is_convolution and not one for layer, one in zip(hidden, pointwise, strict=True))
    for name in begin if any(pointwise) and larger else ():
        yield tuple("identity" if one else name for one in pointwise)


def varies_among_convolutions(layers: Sequence[Layer], candidate: Candidate) -> bool:
    """Whether some convolutions have another activation than others, which no benchmark tells how often is right.

    Parameters
    ----------
    layers
        Layers in running order.
    candidate
        Candidate for them.
    """
    names = spread(candidate.activation, len(layers))
    return len({name for layer, name in zip(layers, names, strict=False) if layer.is_convolution}) > 1


def _two_kinds(
    network: Stretch, begin: Sequence[str], first: Tensor, loss: Loss, convolutions: int
) -> Iterator[tuple[Names, float]]:
    """Yield all combinations of one activation up to a layer and one behind it, with their losses.

    Behind convolutions the change comes with a dense layer, so that they run once for each activation.
    """
    hidden = network.hidden
    changes = range(max(convolutions, 1), hidden) if convolutions < hidden else range(hidden - 1, hidden)
    for early in begin:
        z = first
        for place in range(hidden):
            for late in ACTIVATIONS if place in changes else ():
                names = (early,) * place + (late,) * (hidden - place)
                yield names, loss(network.rest(names, place, z))
            if place + 1 < hidden:
                z = network.part(place + 1, ACTIVATIONS[early](z))


def _descended(network: Stretch, names: Names, convolutions: int, first: Tensor, loss: Loss, least: float) -> Names:
    """Change one dense layer after the other while that lowers the loss."""
    for _ in range(SWEEPS):
        before, z = names, first
        for place in range(network.hidden):
            if place >= convolutions:
                names, least = _changed(network, names, place, z, loss, least)
            if place + 1 < network.hidden:
                z = network.part(place + 1, ACTIVATIONS[names[place]](z))
        if names == before:
            break
    return names


def _changed(network: Stretch, names: Names, place: int, z: Tensor, loss: Loss, least: float) -> tuple[Names, float]:
    """Change one activation where that lowers the loss by `GAIN`."""
    others = [(*names[:place], other, *names[place + 1 :]) for other in ACTIVATIONS if other != names[place]]
    tried = {other: loss(network.rest(other, place, z)) for other in others}
    best = min(tried, key=lambda other: tried[other])
    return (best, tried[best]) if tried[best] < (1 - GAIN) * least else (names, least)
